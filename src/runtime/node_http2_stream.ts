// Turns a stream of node:http2 into a connection, in either role. END_STREAM is the peer's end, everything else that ends it
// is a loss (RFC 8441 §5): a reset must not look like an end, which the events alone do not tell apart.

import type { Http2Session, Http2Stream, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { nextTurn } from "../base/clock.ts";
import { snapshotOf } from "../base/owned_bytes.ts";
import type { RequestHead } from "../errors/handshake_error.ts";
import { ConnectionOverTransport } from "../transport/byte_streams.ts";
import { LINGER_TIME } from "../transport/linger.ts";
import { type PushSource, PushTransport } from "../transport/push_transport.ts";
import type { Endpoints, NetworkAddress } from "../transport/transport.ts";
import { writeTogether } from "./node_http2_cork.ts";
import { CUT, type RequestStream, RESPOND } from "./request_stream.ts";

/** The error codes by their numbers (RFC 9113 §7). */
const CODES = [
  ...["NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED"],
  ...["FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM"],
  ...["INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"],
];

const NO_ERROR = 0, CANCEL = 8;

/** From this size on a chunk that has a buffer of its own is not copied: to ask a small one for its buffer costs Bun more. */
const VIEWED_FROM = 1024;

/** A code as RFC 9113 writes it. */
export function codeName(code: number): string {
  return CODES[code] ?? `the code ${code}`;
}

function doNothing(): void {}

/** A stream of node:http2 as a connection. */
export class NodeHttp2Connection extends ConnectionOverTransport implements PushSource {
  readonly #stream: Http2Stream;
  /** A stream that is closed no longer knows it. */
  readonly #session: Http2Session | undefined;
  #transport: PushTransport | undefined;
  #ends: Pick<Endpoints, "localAddr" | "remoteAddr"> | undefined;
  /** How many writes wait for their callback, and whether the owner waits for the last of them. */
  #writing = 0;
  #ownerWaits = false;
  #endSeen = false;
  #peerEnded = false;

  /** @param unix The path of a Unix socket, which the session itself does not know. */
  constructor(stream: Http2Stream, unix?: string) {
    super();
    if (unix !== undefined) {
      const addr: NetworkAddress = { transport: "unix", path: unix };
      this.#ends = { localAddr: addr, remoteAddr: addr };
    }
    this.#stream = stream;
    this.#session = stream.session;
    stream.on("error", doNothing); // until somebody uses the connection, nobody else may listen
  }

  /** Made when the connection is used: until then the stream is its owner's, who may answer by himself. */
  get transport(): PushTransport {
    return this.#transport ?? this.#listen();
  }

  #listen(): PushTransport {
    const stream = this.#stream, transport = this.#transport = new PushTransport(this);
    stream.on("data", (chunk: Uint8Array<ArrayBuffer>) => this.#onData(chunk));
    stream.on("end", () => this.#onEnd());
    stream.on("error", (error: Error) => this.#onLost(error));
    stream.on("close", () => this.#onClose());
    if (stream.destroyed) this.#onLost(this.#whyClosed());
    return transport;
  }

  get localAddr(): NetworkAddress | undefined {
    return this.#readEnds()?.localAddr;
  }

  get remoteAddr(): NetworkAddress | undefined {
    return this.#readEnds()?.remoteAddr;
  }

  get isSecure(): boolean | undefined {
    return this.#session?.encrypted;
  }

  /** Both addresses at once: either may be asked for once the session is gone. */
  #readEnds(): Pick<Endpoints, "localAddr" | "remoteAddr"> | undefined {
    if (this.#ends) return this.#ends;
    const { localAddress, localPort, remoteAddress, remotePort } = (this.#session?.socket ?? {}) as Partial<
      Socket
    >;
    if (localPort === undefined || remotePort === undefined) return undefined;
    return this.#ends = {
      localAddr: { transport: "tcp", hostname: localAddress!, port: localPort },
      remoteAddr: { transport: "tcp", hostname: remoteAddress!, port: remotePort },
    };
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  write(bytes: Uint8Array<ArrayBuffer>): boolean {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return false; // its loss is told
    this.#writing++;
    writeTogether(stream, bytes.slice(), this.#whenWritten); // it keeps them until flow control lets them go
    return !(this.#ownerWaits = stream.writableNeedDrain);
  }

  /** One for all writes. */
  readonly #whenWritten = (error: Error | null | undefined): void => {
    if (error || --this.#writing > 0 || !this.#ownerWaits) return;
    this.#ownerWaits = false;
    this.transport.onDrained(true);
  };

  end(): void {
    this.#stream.end();
  }

  /** RFC 8441 §5: an end is END_STREAM, and what a reset would be is RST_STREAM with CANCEL. */
  close(): void {
    const stream = this.#stream;
    if (stream.destroyed) return;
    if (this.#peerEnded) { // both sides have ended then, behind what is still being written
      const timer = setTimeout(() => stream.close(CANCEL), LINGER_TIME);
      stream.once("close", () => clearTimeout(timer));
      stream.end();
      return;
    }
    // RFC 9113 §8.1: with NO_ERROR behind a whole response, the client need not send the rest of its request
    this.reset(this.transport.hasEnded && stream.writableFinished ? NO_ERROR : CANCEL);
  }

  /** Resets the stream, even where the peer has ended, and with what is still being written. */
  reset(code: number): void {
    const stream = this.#stream;
    // Deno's close() ends the stream first: behind the peer's end that would be a clean end, and no reset would follow
    if (code !== NO_ERROR && "Deno" in globalThis) stream.end = () => stream;
    stream.close(code);
    stream.destroy();
  }

  /** Node's chunks are parts of what the session has read, and parts of a Buffer would be Buffers too. */
  #onData(chunk: Uint8Array<ArrayBuffer>): void {
    const isOwn = chunk.length >= VIEWED_FROM && chunk.length === chunk.buffer.byteLength;
    this.transport.onData(isOwn ? new Uint8Array(chunk.buffer) : snapshotOf(chunk));
  }

  /** A stream that is reset ends as well, on some runtimes before anything else shows that: it is seen a turn later. */
  #onEnd(): void {
    this.#endSeen = true;
    nextTurn(() => {
      if (this.#peerEnded || this.#isCut) return; // #onClose() has told it, or will
      this.#tellEnd();
    });
  }

  #tellEnd(): void {
    this.#peerEnded = true;
    this.transport.onEnd();
  }

  get #isCut(): boolean {
    const { aborted, rstCode, closed, destroyed } = this.#stream;
    return aborted || (rstCode ?? NO_ERROR) !== NO_ERROR || (closed || destroyed) && !this.transport.hasEnded;
  }

  #onClose(): void {
    if (this.#peerEnded) {
      if (!this.transport.hasEnded) this.#onLost(this.#whyClosed());
    } else if (this.#endSeen && !this.#isCut) this.#tellEnd();
    else this.#onLost(this.#whyClosed());
  }

  /** What was read while the stream was paused comes before its loss. */
  #onLost(error: unknown): void {
    const stream = this.#stream;
    for (let chunk; (chunk = stream.read() as Uint8Array<ArrayBuffer> | null) !== null;) this.#onData(chunk);
    this.transport.onLost(error);
  }

  #whyClosed(): Error {
    const { rstCode } = this.#stream;
    const message = this.#session === undefined || this.#session.destroyed
      ? "The HTTP/2 session was lost"
      : `The stream was reset with ${codeName(rstCode ?? NO_ERROR)}`;
    return Object.assign(new Error(message), { code: "ECONNRESET" });
  }
}

/** The server's end of a stream, whose request is to be answered. Its transport lives on without it, and so without the request. */
export class NodeHttp2RequestStream extends ConnectionOverTransport implements RequestStream {
  readonly request: RequestHead;
  readonly #stream: ServerHttp2Stream;
  readonly #conn: NodeHttp2Connection;

  constructor(stream: ServerHttp2Stream, request: RequestHead, unix?: string) {
    super();
    this.#stream = stream;
    this.#conn = new NodeHttp2Connection(stream, unix);
    this.request = request;
  }

  protected get transport(): PushTransport {
    return this.#conn.transport;
  }

  get hasBody(): boolean {
    return !this.#stream.endAfterHeaders;
  }

  [RESPOND](status: number, fields: Iterable<readonly [string, string]>): boolean {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return false;
    const headers: Record<string, number | string | string[]> = { ":status": status };
    for (const [name, value] of fields) {
      const key = name.toLowerCase(), before = headers[key];
      headers[key] = before === undefined ? value : [before as string | string[], value].flat();
    }
    if (status >= 200) stream.respond(headers);
    else {
      stream.additionalHeaders(headers);
      if ("Deno" in globalThis) stream.session?.ping(doNothing); // it would send them with whatever is next
    }
    return true;
  }

  [CUT](): void {
    if (!this.#stream.destroyed) this.#conn.reset(CANCEL);
  }
}
