// A client's HTTP/2 sessions with node:http2, which Deno and Bun have as well. Sockets are those of node:net and node:tls.

import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from "node:http2";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { unlessAborted } from "../base/abort.ts";
import { ExchangeError } from "../errors/problem.ts";
import { endedEarly } from "./dialler.ts";
import {
  type Http2Answer,
  type Http2Dialler,
  type Http2Session,
  http2Unsupported,
  StreamRefused,
} from "./http2_client.ts";
import { nodeDialler, startTls } from "./node_dialler.ts";
import { codeName, NodeHttp2Connection } from "./node_http2_stream.ts";
import type { NodeSocketConnection } from "./node_socket.ts";

const NO_ERROR = 0, REFUSED_STREAM = 7, CANCEL = 8, HTTP_1_1_REQUIRED = 13;

/** The {@linkcode Http2Dialler} of every runtime that has node:http2. */
export const nodeHttp2: Http2Dialler = {
  connect: (address, signal) => nodeDialler.connect(address, undefined, signal),
  async start(conn, { url, tls, prefix }, signal) {
    let socket = (conn as NodeSocketConnection).detach();
    if (prefix && prefix.length > 0) socket.unshift(prefix);
    if (tls) {
      socket = await startTls(socket, tls, signal, ["h2", "http/1.1"]);
      // RFC 9113 §3.2: a server without HTTP/2 chooses the other, or nothing
      if ((socket as TLSSocket).alpnProtocol !== "h2") {
        socket.destroy();
        return undefined;
      }
    }
    socket.allowHalfOpen = false; // a server that has ended can't be asked: the streams are lost
    const session = connect(url.origin, { createConnection: () => socket, settings: { enablePush: false } });
    const nodeSession = new NodeSession(session, socket); // before its SETTINGS: a GOAWAY may come right behind them
    try {
      await settingsOf(session, signal);
    } catch (error) {
      session.destroy();
      socket.destroy();
      throw error;
    }
    return nodeSession;
  },
};

/** Waits for the server's SETTINGS, before which no `:protocol` may be sent (RFC 8441 §3). */
async function settingsOf(session: ClientHttp2Session, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (cause?: unknown) => {
    const message = "the server speaks no HTTP/2, or has ended the connection before its SETTINGS";
    reject(new ExchangeError("connection-closed", message, { cause: cause ?? endedEarly() }));
  };
  session.once("remoteSettings", () => resolve()).on("error", fail).once("close", () => fail());
  await unlessAborted(promise, signal);
}

class NodeSession implements Http2Session {
  readonly #session: ClientHttp2Session;
  readonly #socket: Duplex;
  /**
   * The last GOAWAY: streams above the last stream were not looked at (RFC 9113 §6.8). With an error code, node:http2 ends
   * the session and all of its streams behind the event.
   */
  #goaway: { readonly code: number; readonly lastStreamId: number } | undefined;

  constructor(session: ClientHttp2Session, socket: Duplex) {
    this.#session = session;
    this.#socket = socket;
    session.on("goaway", (code, lastStreamId) => this.#goaway = { code, lastStreamId });
    session.once("close", () => this.#socket.destroy());
  }

  get takesConnect(): boolean {
    return this.#session.remoteSettings?.enableConnectProtocol === true;
  }

  get isOpen(): boolean {
    return this.#goaway === undefined && !this.#session.closed && !this.#session.destroyed;
  }

  get maxStreams(): number {
    return this.#session.remoteSettings?.maxConcurrentStreams ?? Infinity;
  }

  async request(
    fields: Readonly<Record<string, string>>,
    signal: AbortSignal,
    onClose: () => void,
  ): Promise<Http2Answer> {
    if (!this.isOpen) {
      onClose();
      throw this.#refused();
    }
    let stream: ClientHttp2Stream;
    try {
      stream = this.#session.request({ ...fields }, { endStream: false });
    } catch (error) {
      onClose();
      throw this.isOpen ? error : this.#refused(error); // the session is gone
    }
    stream.once("close", onClose);
    const conn = new NodeHttp2Connection(stream);
    try {
      return { fields: await unlessAborted(this.#responseOf(stream), signal), conn };
    } catch (error) {
      stream.close(CANCEL);
      stream.destroy();
      throw error;
    }
  }

  #responseOf(stream: ClientHttp2Stream): Promise<Http2Answer["fields"]> {
    const { promise, resolve, reject } = Promise.withResolvers<Http2Answer["fields"]>();
    type Head = IncomingHttpHeaders & IncomingHttpStatusHeader;
    stream.once("response", (_: Head, __: number, raw?: readonly string[]) => {
      const fields: [string, string][] = [];
      for (let i = 0; raw && i < raw.length; i += 2) fields.push([raw[i]!, raw[i + 1]!]);
      resolve(fields);
    });
    const lost = (cause?: unknown) => {
      const { id = Infinity, rstCode = NO_ERROR } = stream, goaway = this.#goaway;
      if (rstCode === REFUSED_STREAM || goaway && id > goaway.lastStreamId) return reject(this.#refused(cause));
      if (rstCode === HTTP_1_1_REQUIRED) {
        const what = goaway?.code === rstCode ? "ended the session" : "reset the stream";
        return reject(http2Unsupported(`${what} with HTTP_1_1_REQUIRED`, { cause }));
      }
      const wasLost = this.#session.destroyed && (!goaway || rstCode === NO_ERROR);
      const why = wasLost ? "the session was lost" : `the stream was reset with ${codeName(rstCode)}`;
      reject(new ExchangeError("connection-closed", why, { cause }));
    };
    stream.once("error", lost).once("close", () => lost());
    return promise;
  }

  /** RFC 9113 §8.7: the server has done nothing about the request, so that it can be sent again, if not over HTTP/1.1. */
  #refused(cause?: unknown): ExchangeError {
    if (this.#goaway?.code === HTTP_1_1_REQUIRED) {
      return http2Unsupported("ended the session with HTTP_1_1_REQUIRED", { cause });
    }
    return new StreamRefused("connection-closed", "the server takes no more streams in the session", { cause });
  }

  close(): void {
    this.#session.close();
  }
}
