// Turns the sockets of Bun.listen and Bun.connect into connections: what Bun calls back with goes to the transport.

import { ConnectionOverTransport } from "../transport/byte_streams.ts";
import { SocketTransport } from "../transport/push_transport.ts";
import type { ByteConnection, Endpoints, NetworkAddress } from "../transport/transport.ts";
import { free } from "../base/owned_bytes.ts";
import { FREED_FROM } from "../base/tuning.ts";
import type { BunSocket, BunSocketHandlers } from "./bun_api.ts";

/**
 * A Bun socket as a connection, for `accept()`, `connect()` and `attach()`.
 *
 * @example The addresses of both ends
 * ```ts ignore
 * import { type BunConnection, dial, listen } from "@handfast/websocket/bun";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const listener = listen({ hostname: "127.0.0.1", port: 8766 });
 * const client: BunConnection = await dial({ hostname: "127.0.0.1", port: 8766 });
 * const server = await listener.accept();
 *
 * assert(client.localAddr?.transport === "tcp");
 * assertEquals(server.remoteAddr, client.localAddr);
 * for (const end of [client, server, listener]) end.close();
 * ```
 */
export interface BunConnection extends ByteConnection, Disposable {
  /** The address of our end. Once the connection is closed only an address that was read before is still known. */
  readonly localAddr: NetworkAddress | undefined;
  /** The address of the peer's end, known for as long as `localAddr` is. */
  readonly remoteAddr: NetworkAddress | undefined;
  /** Closes the connection at once, also while somebody uses it. */
  close(): void;
}

/** The transport over a Bun socket, of which it is the `data`: one object, for there is one of each connection. */
class BunTransport extends SocketTransport {
  readonly socket: BunSocket;
  readonly #unix: string | undefined;
  /** The addresses, once somebody has read one: Bun forgets those of a socket that has closed. */
  #ends: Pick<Endpoints, "localAddr" | "remoteAddr"> | undefined;
  /** What the socket has not taken yet. */
  #unwritten: Uint8Array<ArrayBuffer> | undefined;
  /** Why the socket is going to close. */
  #cause: Error | undefined;

  constructor(socket: BunSocket, unix: string | undefined) {
    super();
    this.socket = socket;
    this.#unix = unix;
    socket.data = this;
  }

  override get localAddr(): NetworkAddress | undefined {
    return this.#readEnds()?.localAddr;
  }

  override get remoteAddr(): NetworkAddress | undefined {
    return this.#readEnds()?.remoteAddr;
  }

  /** Bun's types tell the two kinds of sockets apart, its methods do not. */
  override get isSecure(): boolean {
    return Object.prototype.toString.call(this.socket) === "[object TLSSocket]";
  }

  /** Both addresses at once: either may be asked for once the socket has forgotten them. */
  #readEnds(): Pick<Endpoints, "localAddr" | "remoteAddr"> | undefined {
    if (this.#ends) return this.#ends;
    const { localAddress, localPort, remoteAddress, remotePort } = this.socket;
    if (this.#unix !== undefined) {
      const addr: NetworkAddress = { transport: "unix", path: this.#unix };
      this.#ends = { localAddr: addr, remoteAddr: addr };
    } else if (localPort !== undefined && remotePort !== undefined) {
      this.#ends = {
        localAddr: { transport: "tcp", hostname: localAddress!, port: localPort },
        remoteAddr: { transport: "tcp", hostname: remoteAddress!, port: remotePort },
      };
    }
    return this.#ends;
  }

  /** Whether the peer has half-closed. */
  get hasPeerEnded(): boolean {
    return this.peerEnded;
  }

  protected override pauseSource(): void {
    this.socket.pause();
  }

  protected override resumeSource(): void {
    this.socket.resume();
  }

  /** Back-pressure: what the socket does not take waits until it is drained. */
  protected override writeSource(bytes: Uint8Array<ArrayBuffer>): boolean {
    const count = this.socket.write(bytes);
    if (count === bytes.length) return true;
    this.#unwritten = count > 0 ? bytes.subarray(count) : bytes;
    if (count < 0) queueMicrotask(() => this.onLost(this.#cause ?? new Error("The socket was closed")));
    return false;
  }

  protected override endSource(): void {
    this.socket.shutdown();
  }

  protected override closeSource(): void {
    this.socket.close();
  }

  /** The kernel has room again; Bun also says so when nothing waits for it. */
  onDrain(): void {
    const bytes = this.#unwritten;
    if (!bytes) return;
    this.#unwritten = undefined;
    if (this.writeSource(bytes)) this.onDrained(true);
  }

  /** A chunk of which nobody else knows. */
  onOwnData(chunk: Uint8Array<ArrayBuffer>): void {
    const { length } = chunk, isFree = this.onData(chunk);
    if (isFree && length >= FREED_FROM) free(chunk);
  }

  onError(error: Error): void {
    this.#cause = error;
  }

  onClose(error: Error | undefined = this.#cause): void {
    // A half-open socket stays open until we have ended too, or an error closes it
    const notHalfOpen = this.peerEnded && !this.hasEnded
      ? new Error("The socket was closed with the peer's end: its owner must set allowHalfOpen: true")
      : undefined;
    this.onClosed(error ?? notHalfOpen);
  }
}

/** A {@linkcode BunConnection}, with what the dialler needs. Nobody keeps it but who was given it. */
export class BunSocketConnection extends ConnectionOverTransport implements BunConnection, Endpoints {
  protected readonly transport: BunTransport;

  /**
   * Takes the socket over, and its `data`.
   *
   * @param unix The path of a Unix socket, which the socket itself does not know.
   */
  constructor(socket: BunSocket, unix?: string) {
    super();
    this.transport = new BunTransport(socket, unix);
  }

  get socket(): BunSocket {
    return this.transport.socket;
  }

  get localAddr(): NetworkAddress | undefined {
    return this.transport.localAddr;
  }

  get remoteAddr(): NetworkAddress | undefined {
    return this.transport.remoteAddr;
  }

  get isSecure(): boolean {
    return this.transport.isSecure;
  }

  /** Whether the peer has half-closed. */
  get peerEnded(): boolean {
    return this.transport.hasPeerEnded;
  }

  close(): void {
    this.transport.abort();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Handlers that make a connection of each socket once it is open; at a listener with TLS, once its handshake is done.
 *
 * @param isOurs Whether nobody else sees what they are called with.
 */
export function bunHandlers(
  opened: (connection: BunSocketConnection) => void,
  unix?: string,
  isOurs = true,
): BunSocketHandlers {
  // A failed TLS handshake is reported for a socket that was never open, and has no connection
  const of = (socket: BunSocket) => socket.data as BunTransport | undefined;
  return {
    binaryType: "uint8array",
    open: (socket) => opened(new BunSocketConnection(socket, unix)),
    data: isOurs ? (socket, chunk) => of(socket)?.onOwnData(chunk) : (socket, chunk) => void of(socket)?.onData(chunk),
    drain: (socket) => of(socket)?.onDrain(),
    end: (socket) => of(socket)?.onEnd(),
    close: (socket, error) => of(socket)?.onClose(error),
    error: (socket, error) => of(socket)?.onError(error),
  };
}
