// The sockets of Bun's TCP APIs as connections. Bun's own words are written down here as far as they are used, so that
// nobody needs its types, or Bun, to load this file.

import { StreamsOfTransport } from "../transport/byte_streams.ts";
import { type PushSource, PushTransport } from "../transport/push_transport.ts";

/**
 * Where an end of a connection is.
 *
 * @example The port that was free
 * ```ts ignore
 * import { type BunAddress, listen } from "@handfast/websocket/bun";
 * import { assert } from "@std/assert";
 *
 * const listener = listen({ hostname: "127.0.0.1" });
 * const addr: BunAddress = listener.addr;
 * assert(addr.transport === "tcp" && addr.port > 0);
 * listener.close();
 * ```
 */
export type BunAddress =
  | { readonly transport: "tcp"; readonly hostname: string; readonly port: number }
  | { readonly transport: "unix"; readonly path: string };

/** What is used of a socket of `Bun.listen` or `Bun.connect`. */
export interface BunSocket {
  /** What its owner keeps with it: here, its connection. */
  data: unknown;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** Gives how many bytes were taken, or -1 from a socket that takes none any more. */
  write(bytes: Uint8Array): number;
  shutdown(): void;
  close(): void;
  pause(): void;
  resume(): void;
}

/** What is used of Bun's options for TLS. */
export interface BunTls {
  serverName?: string;
  readonly rejectUnauthorized?: boolean;
  readonly ca?: unknown;
  readonly cert?: unknown;
  readonly key?: unknown;
}

/** What `Bun.listen` and `Bun.connect` call. */
export interface BunSocketHandlers {
  readonly binaryType: "uint8array";
  open(socket: BunSocket): void;
  data(socket: BunSocket, chunk: Uint8Array<ArrayBuffer>): void;
  drain(socket: BunSocket): void;
  end(socket: BunSocket): void;
  close(socket: BunSocket, error?: Error): void;
  error(socket: BunSocket, error: Error): void;
  handshake?(socket: BunSocket, success: boolean, error: Error | null): void;
  connectError?(socket: BunSocket, error: Error): void;
}

/** A socket of Bun's, as a connection. */
export class BunSocketConnection extends StreamsOfTransport {
  readonly socket: BunSocket;
  readonly #unix: string | undefined;
  protected readonly transport: PushTransport;
  /** What the socket did not take. */
  #rest: Uint8Array<ArrayBuffer> | undefined;
  #peerEnded = false;
  #error: Error | undefined;

  /**
   * Takes the socket: what it calls back with is the connection's.
   *
   * @param unix The path of a unix socket, which the socket itself does not know.
   */
  constructor(socket: BunSocket, unix?: string) {
    super();
    this.socket = socket;
    this.#unix = unix;
    socket.data = this;
    this.transport = new PushTransport(new BunSocketConnection.#Source(this));
  }

  /** What the transport asks of the socket: methods, where five functions would take more memory. */
  static readonly #Source = class implements PushSource {
    readonly #of: BunSocketConnection;

    constructor(of: BunSocketConnection) {
      this.#of = of;
    }

    pause(): void {
      this.#of.socket.pause();
    }

    resume(): void {
      this.#of.socket.resume();
    }

    write(bytes: Uint8Array<ArrayBuffer>): boolean {
      return this.#of.#write(bytes);
    }

    end(): void {
      this.#of.socket.shutdown();
    }

    close(): void {
      this.#of.socket.close();
    }
  };

  get localAddr(): BunAddress {
    return this.#unix === undefined
      ? { transport: "tcp", hostname: this.socket.localAddress, port: this.socket.localPort }
      : { transport: "unix", path: this.#unix };
  }

  get remoteAddr(): BunAddress {
    return this.#unix === undefined
      ? { transport: "tcp", hostname: this.socket.remoteAddress, port: this.socket.remotePort }
      : { transport: "unix", path: this.#unix };
  }

  /** Whether the peer has ended. */
  get peerEnded(): boolean {
    return this.#peerEnded;
  }

  close(): void {
    this.transport.abort();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #write(bytes: Uint8Array<ArrayBuffer>): boolean {
    const count = this.socket.write(bytes);
    if (count === bytes.length) return true;
    this.#rest = count > 0 ? bytes.subarray(count) : bytes;
    if (count < 0) queueMicrotask(() => this.transport.onLost(this.#error ?? new Error("The socket was closed")));
    return false;
  }

  // ---- what the socket says

  /** The kernel has room again; it says so for no reason, too. */
  drained(): void {
    const rest = this.#rest;
    if (!rest) return;
    this.#rest = undefined;
    if (this.#write(rest)) this.transport.onDrained(true);
  }

  data(chunk: Uint8Array<ArrayBuffer>): void {
    this.transport.onData(chunk);
  }

  ended(): void {
    this.#peerEnded = true;
    this.transport.onEnd();
  }

  /** The next close has this cause. */
  failed(error: Error): void {
    this.#error = error;
  }

  closed(error: Error | undefined = this.#error): void {
    // A half-open socket is closed by both ends, or by an error
    const early = this.#peerEnded && !this.transport.hasEnded
      ? new Error("The socket was closed with the peer's end: its owner must set allowHalfOpen: true")
      : undefined;
    this.transport.onClosed(error ?? early);
  }
}

/** The handlers of sockets that are connections from `open` on. A TLS socket is open once its handshake is done. */
export function bunHandlers(opened: (connection: BunSocketConnection) => void, unix?: string): BunSocketHandlers {
  // A TLS handshake that failed is told of a socket that was never open
  const of = (socket: BunSocket) => socket.data as BunSocketConnection | undefined;
  return {
    binaryType: "uint8array",
    open: (socket) => opened(new BunSocketConnection(socket, unix)),
    data: (socket, chunk) => of(socket)?.data(chunk),
    drain: (socket) => of(socket)?.drained(),
    end: (socket) => of(socket)?.ended(),
    close: (socket, error) => of(socket)?.closed(error),
    error: (socket, error) => of(socket)?.failed(error),
  };
}

/** What is used of Bun's listener. */
export interface BunServer {
  readonly hostname?: string;
  readonly port?: number;
  readonly unix?: string;
  stop(): void;
}

/** What is used of Bun. */
export interface BunTcp {
  listen(options: object): BunServer;
  connect(options: object): Promise<unknown>;
}

/**
 * Bun's TCP APIs.
 *
 * @throws {TypeError} On another runtime.
 */
export function bunTcp(): BunTcp {
  const { Bun } = globalThis as { Bun?: BunTcp };
  if (!Bun) throw new TypeError("Cannot use Bun's TCP APIs: this runtime is not Bun");
  return Bun;
}
