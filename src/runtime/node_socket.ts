// Node's sockets as connections: `net.Socket`, `tls.TLSSocket`, and any other `Duplex` of bytes.

import { type Duplex } from "node:stream";
import { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { WRITES_AT_ONCE } from "../base/tuning.ts";
import { StreamsOfTransport } from "../transport/byte_streams.ts";
import { type PushSource, PushTransport } from "../transport/push_transport.ts";

/** Deno reads a `TLSSocket` on while it is paused. What comes then is kept here, where it can be counted: up to this. */
const MOST_KEPT = 2 ** 24;

/** A socket of Node's, as a connection. */
export class NodeSocketConnection extends StreamsOfTransport {
  protected readonly transport: PushTransport;
  readonly #socket: Duplex;
  readonly #isUnstoppable: boolean;
  /** Others than sockets may keep the chunks that they are given, or give chunks that somebody keeps. */
  readonly #sharesChunks: boolean;
  /** Whether each write is called back; otherwise only what has to wait. */
  readonly #isCalledBack: boolean;
  /** How many callbacks are yet to come, and whether our owner waits for the last of them. */
  #writing = 0;
  #isWaited = false;
  #ended = false;
  /** Whether it is yet to be seen that the socket counts what is written to it. */
  #isDoubted: boolean;

  /** @param isDoubted Whether the socket is of a kind that some releases of a runtime have broken. */
  constructor(socket: Duplex, isDoubted = false) {
    super();
    this.#isDoubted = isDoubted;
    this.#socket = socket;
    this.#sharesChunks = !(socket instanceof Socket);
    const isSecure = socket instanceof TLSSocket;
    this.#isCalledBack = this.#sharesChunks || isSecure || !WRITES_AT_ONCE;
    this.#isUnstoppable = "Deno" in globalThis && isSecure;
    this.transport = new PushTransport(new NodeSocketConnection.#Source(this));
    socket.allowHalfOpen = true;
    socket.on("end", this.#onEnd);
    socket.on("error", this.#onError);
    socket.on("close", this.#onClose);
    socket.on("data", this.#onData);
    if (socket instanceof Socket) socket.setNoDelay(true); // frames of a turn leave in one write
    socket.resume(); // somebody may have paused it; the first chunk that nobody reads pauses it again
    if (socket.destroyed || socket.errored) this.transport.onLost(socket.errored ?? new Error("The socket was closed"));
    else if (socket.readableEnded) this.#onEnd();
  }

  /** What the transport asks of the socket: methods, where five functions would take more memory. */
  static readonly #Source = class implements PushSource {
    readonly #of: NodeSocketConnection;

    constructor(of: NodeSocketConnection) {
      this.#of = of;
    }

    pause(): void {
      if (!this.#of.#isUnstoppable) this.#of.#socket.pause();
    }

    resume(): void {
      this.#of.#socket.resume();
    }

    write(bytes: Uint8Array<ArrayBuffer>): boolean {
      return this.#of.#write(bytes);
    }

    end(): void {
      this.#of.#socket.end();
    }

    close(): void {
      this.#of.#close();
    }
  };

  readonly #onData = (chunk: Uint8Array<ArrayBuffer>): void => {
    // Not a Buffer: what it gives would be one, too
    const bytes = this.#sharesChunks
      ? new Uint8Array(chunk)
      : new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.transport.onData(bytes);
    if (this.#isUnstoppable && this.transport.kept > MOST_KEPT) {
      const what = `more than ${MOST_KEPT} bytes wait to be read`;
      this.transport.onLost(new Error(`A socket of node:tls can't be paused on Deno, and ${what}`));
    }
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.transport.onEnd();
  };

  readonly #onError = (error: Error): void => this.transport.onLost(error);

  readonly #onClose = (): void => {
    // A socket is closed when both sides have ended; each end was told
    if (!this.#ended || !this.transport.hasEnded) this.transport.onLost(new Error("The socket was closed"));
  };

  readonly #onWritten = (): void => {
    if (--this.#writing > 0 || !this.#isWaited) return;
    this.#isWaited = false;
    this.transport.onDrained(!this.#isCalledBack);
  };

  #write(bytes: Uint8Array<ArrayBuffer>): boolean {
    const socket = this.#socket;
    if (this.#isCalledBack) this.#writeAndTell(this.#sharesChunks ? bytes.slice() : bytes);
    else socket.write(bytes);
    // A copy need not be waited for, as long as the socket has room; otherwise the kernel must have taken all of it
    const isDone = this.#sharesChunks ? !socket.writableNeedDrain : socket.writableLength === 0;
    if (!isDone && !this.#isCalledBack) this.#writeAndTell(EMPTY); // is called back behind what waits
    if (this.#isDoubted) this.#check(bytes.length);
    this.#isWaited = !isDone;
    return isDone;
  }

  #writeAndTell(bytes: Uint8Array): void {
    this.#writing++;
    this.#socket.write(bytes, this.#onWritten);
  }

  #close(): void {
    const socket = this.#socket;
    // Of a duplex that is no socket its other end sees only that it has ended, not that it was destroyed
    if (this.#sharesChunks && this.#ended && this.#writing === 0 && !socket.writableEnded) {
      socket.end(() => socket.destroy());
    } else socket.destroy();
  }

  /** Some releases of Bun gave sockets with an upgrade that took everything and sent nothing, for ever in silence. */
  #check(count: number): void {
    this.#isDoubted = false;
    const { bytesWritten } = this.#socket as Partial<Socket>;
    if (bytesWritten === undefined || bytesWritten >= count) return;
    const error = new Error(
      "The socket drops what is written to it: this runtime's node:http can't upgrade connections",
    );
    queueMicrotask(() => this.transport.onLost(error));
  }

  /** Takes the socket back, on which nothing is under way: the connection is of no more use. */
  detach(): Duplex {
    const socket = this.#socket;
    socket.off("data", this.#onData).off("end", this.#onEnd).off("error", this.#onError).off("close", this.#onClose);
    socket.pause();
    return socket;
  }
}

const EMPTY = new Uint8Array();
