// Turns Node's sockets into connections: a `net.Socket`, a `tls.TLSSocket`, or any other `Duplex` of bytes. What such a
// socket emits goes to its transport.

import type { Duplex } from "node:stream";
import { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { free } from "../base/owned_bytes.ts";
import { ReturnsArgument } from "../base/returns_argument.ts";
import { NODE_SOCKET_FREED_FROM, WRITES_AT_ONCE } from "../base/tuning.ts";
import { ConnectionOverTransport } from "../transport/byte_streams.ts";
import { SocketTransport } from "../transport/push_transport.ts";
import type { Endpoints, NetworkAddress } from "../transport/transport.ts";

/** Deno keeps reading a `TLSSocket` that is paused. The chunks are queued by the transport: up to this many bytes. */
const MOST_QUEUED = 2 ** 24;

const EMPTY = new Uint8Array();

/** Puts a transport on its socket, where listeners find it that all of them share: closures would take memory. */
class Owned extends ReturnsArgument {
  #owner: NodeTransport;

  private constructor(socket: Duplex, owner: NodeTransport) {
    super(socket);
    this.#owner = owner;
  }

  /** Makes a transport the one that the socket belongs to, in place of an earlier one. Returns whether there was one. */
  static give(socket: Duplex, owner: NodeTransport): boolean {
    const isOwned = #owner in socket;
    if (isOwned) (socket as unknown as Owned).#owner = owner;
    else new Owned(socket, owner);
    return isOwned;
  }

  static ownerOf(socket: Duplex): NodeTransport {
    return (socket as unknown as Owned).#owner;
  }
}

/** The transport over a Node socket: one object, for there is one of each connection. */
class NodeTransport extends SocketTransport {
  readonly #socket: Duplex;
  /** The addresses, once somebody has read one: a socket that is destroyed forgets them. */
  #ends: Pick<Endpoints, "localAddr" | "remoteAddr"> | undefined;
  /** Whether `pause()` does not stop the socket. */
  readonly #isUnstoppable: boolean;
  /** A duplex that is no socket may keep the chunks that it is given, and may give chunks that somebody keeps. */
  readonly #sharesChunks: boolean;
  /** Whether every write gets a callback; otherwise only one that can't be done at once. */
  readonly #isCalledBack: boolean;
  /** How many callbacks are outstanding, and whether the owner waits for the last of them. */
  #writing = 0;
  #ownerWaits = false;
  /** The callback, made for the first write that needs one. */
  #whenWritten: (() => void) | undefined;
  #peerEnded = false;
  /** How many bytes the socket has read, if all of them have come here alone; below 0 where that is not asked for. */
  #read = -1;
  /** Whether the first write has yet to show that the socket really sends. */
  #mayDropWrites: boolean;

  constructor(socket: Duplex, mayDropWrites: boolean, unix: string | undefined) {
    super();
    if (unix !== undefined) {
      const addr: NetworkAddress = { transport: "unix", path: unix };
      this.#ends = { localAddr: addr, remoteAddr: addr };
    }
    this.#mayDropWrites = mayDropWrites;
    this.#socket = socket;
    this.#sharesChunks = !(socket instanceof Socket);
    const isSecure = socket instanceof TLSSocket;
    this.#isCalledBack = this.#sharesChunks || isSecure || !WRITES_AT_ONCE;
    this.#isUnstoppable = "Deno" in globalThis && isSecure;
    socket.allowHalfOpen = true;
    const { data, end, error, close, newListener } = NodeTransport.#listeners;
    if (Owned.give(socket, this)) this.#unlisten();
    if (socket instanceof Socket) {
      socket.setNoDelay(true); // the frames of a turn leave in one write: Nagle's algorithm could only delay them
      if (NODE_SOCKET_FREED_FROM < Infinity && socket.listenerCount("data") === 0) this.#read = socket.bytesRead;
    }
    socket.on("end", end).on("error", error).on("close", close).prependListener("data", data);
    if (this.#read >= 0) socket.on("newListener", newListener);
    socket.resume(); // somebody may have paused it; the first chunk that has to be queued pauses it again
    if (socket.destroyed || socket.errored) this.#onLost(socket.errored ?? new Error("The socket was closed"));
    else if (socket.readableEnded) this.#onEnd();
  }

  override get localAddr(): NetworkAddress | undefined {
    return this.#readEnds()?.localAddr;
  }

  override get remoteAddr(): NetworkAddress | undefined {
    return this.#readEnds()?.remoteAddr;
  }

  override get isSecure(): boolean | undefined {
    const { encrypted } = this.#socket as Partial<TLSSocket>;
    return encrypted ?? (this.#socket instanceof Socket ? false : undefined);
  }

  protected override pauseSource(): void {
    if (!this.#isUnstoppable) this.#socket.pause();
  }

  protected override resumeSource(): void {
    this.#socket.resume();
  }

  protected override endSource(): void {
    this.#socket.end();
  }

  /** Both addresses at once: either may be asked for once the socket has forgotten them. */
  #readEnds(): Pick<Endpoints, "localAddr" | "remoteAddr"> | undefined {
    if (this.#ends) return this.#ends;
    const { localAddress, localPort, remoteAddress, remotePort } = this.#socket as Partial<Socket>;
    if (localPort === undefined || remotePort === undefined) return undefined;
    return this.#ends = {
      localAddr: { transport: "tcp", hostname: localAddress!, port: localPort },
      remoteAddr: { transport: "tcp", hostname: remoteAddress!, port: remotePort },
    };
  }

  static readonly #listeners = {
    data(this: Duplex, chunk: Uint8Array<ArrayBuffer>): void {
      Owned.ownerOf(this).#onData(chunk);
    },
    end(this: Duplex): void {
      Owned.ownerOf(this).#onEnd();
    },
    error(this: Duplex, error: Error): void {
      Owned.ownerOf(this).#onLost(error);
    },
    close(this: Duplex): void {
      Owned.ownerOf(this).#onClose();
    },
    /** Somebody else is told of chunks from now on, perhaps before us: nothing is freed any more. */
    newListener(this: Duplex, event: string | symbol): void {
      if (event === "data") Owned.ownerOf(this).#read = -1;
    },
  };

  #onData(chunk: Uint8Array<ArrayBuffer>): void {
    // A plain Uint8Array: parts of a Buffer would be Buffers too, and reach the user
    const bytes = this.#sharesChunks
      ? new Uint8Array(chunk)
      : new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const { length } = bytes, isFree = this.onData(bytes);
    if (this.#read >= 0) {
      this.#read += length;
      if (isFree && length >= NODE_SOCKET_FREED_FROM && this.#isOursAlone) free(bytes);
    }
    if (this.#isUnstoppable && this.queuedBytes > MOST_QUEUED) {
      const what = `more than ${MOST_QUEUED} bytes wait to be read`;
      this.onOverflow(new Error(`A socket of node:tls can't be paused on Deno, and ${what}`));
    }
  }

  /**
   * Whether nobody else has the chunk that was told last, if it has all of its buffer: the socket has just read it, and it
   * is not what somebody has given back to it. Freed at once, its memory waits for no collection of all that lives, which
   * was half of the time of 64 KiB messages.
   */
  get #isOursAlone(): boolean {
    const socket = this.#socket as Socket;
    return socket.bytesRead === this.#read && socket.readableLength === 0 && socket.readableFlowing === true;
  }

  #onEnd(): void {
    this.#peerEnded = true;
    this.onEnd();
  }

  /** A socket that is destroyed still has what it had read while it was paused. */
  #onLost(error: unknown): void {
    this.#socket.off("data", NodeTransport.#listeners.data); // it may be told of a chunk that is read
    this.#read = -1; // what is read from here on comes by another way
    for (let chunk; (chunk = this.#socket.read() as Uint8Array<ArrayBuffer> | null) !== null;) this.#onData(chunk);
    this.onLost(error);
  }

  #onClose(): void {
    // Once both sides have ended a socket closes by itself, and the peer's end was told by `end`
    if (!this.#peerEnded || !this.hasEnded) this.#onLost(new Error("The socket was closed"));
  }

  #onWritten(): void {
    if (--this.#writing > 0 || !this.#ownerWaits) return;
    this.#ownerWaits = false;
    this.onDrained(!this.#isCalledBack);
  }

  protected override writeSource(bytes: Uint8Array<ArrayBuffer>): boolean {
    const socket = this.#socket;
    if (this.#isCalledBack) this.#writeWithCallback(this.#sharesChunks ? bytes.slice() : bytes);
    else socket.write(bytes);
    // Back-pressure: a copy may wait in the duplex while that has room; our own bytes must all be with the kernel
    const isDone = this.#sharesChunks ? !socket.writableNeedDrain : socket.writableLength === 0;
    if (!isDone && !this.#isCalledBack) this.#writeWithCallback(EMPTY); // its callback comes behind what waits
    if (this.#mayDropWrites) this.#checkFirstWrite(bytes.length);
    this.#ownerWaits = !isDone;
    return isDone;
  }

  #writeWithCallback(bytes: Uint8Array): void {
    this.#writing++;
    this.#socket.write(bytes, this.#whenWritten ??= () => this.#onWritten());
  }

  protected override closeSource(): void {
    const socket = this.#socket;
    // The other end of a duplex that is no socket does not see that it is destroyed, only that it has ended
    if (this.#sharesChunks && this.#peerEnded && this.#writing === 0 && !socket.writableEnded) {
      socket.end(() => socket.destroy());
    } else socket.destroy();
  }

  /** With an upgrade some releases of Bun gave sockets that took everything and sent nothing, without an error. */
  #checkFirstWrite(count: number): void {
    this.#mayDropWrites = false;
    const { bytesWritten } = this.#socket as Partial<Socket>;
    if (bytesWritten === undefined || bytesWritten >= count) return;
    const error = new Error(
      "The socket drops what is written to it: this runtime's node:http can't upgrade connections",
    );
    queueMicrotask(() => this.onLost(error));
  }

  /** Gives the socket back while nothing is being read or written; the connection can't be used after that. */
  detach(): Duplex {
    this.#unlisten();
    this.#socket.pause();
    return this.#socket;
  }

  #unlisten(): void {
    const { data, end, error, close, newListener } = NodeTransport.#listeners;
    this.#socket.off("newListener", newListener);
    this.#socket.off("end", end).off("error", error).off("close", close).off("data", data);
  }
}

/** A Node socket as a connection. Nobody keeps it but who was given it. */
export class NodeSocketConnection extends ConnectionOverTransport {
  protected readonly transport: NodeTransport;

  /**
   * @param mayDropWrites For a socket of an upgrade event, which some releases of Bun have broken.
   * @param unix The path of a Unix socket, which the socket itself does not know.
   */
  constructor(socket: Duplex, mayDropWrites = false, unix?: string) {
    super();
    this.transport = new NodeTransport(socket, mayDropWrites, unix);
  }

  /** Gives the socket back while nothing is being read or written; the connection can't be used after that. */
  detach(): Duplex {
    return this.transport.detach();
  }
}
