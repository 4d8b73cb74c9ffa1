// Sockets for tests, the same on every runtime. Peers by hand are sockets of node:net everywhere, so that nothing of ours
// is in them; connections of ours are what an application on the runtime would give to a door.

import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { once } from "node:events";
import type { ByteConnection, NetworkAddress } from "../../mod.ts";

const LOOPBACK = "127.0.0.1";

/** One end of a TCP connection, by hand. It is not read unless somebody reads, but for what was on its way. */
export class RawConn implements Disposable {
  readonly #socket: Socket;
  readonly #chunks: Uint8Array[] = [];
  #ended = false;
  #error: Error | undefined;
  #wake = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.pause();
    socket.on("data", (chunk: Uint8Array) => {
      this.#chunks.push(chunk);
      socket.pause();
      this.#wake();
    });
    socket.on("end", () => {
      this.#ended = this.#error === undefined;
      this.#wake();
    });
    socket.on("error", (error) => {
      this.#error ??= error;
      this.#wake();
    });
    socket.on("close", () => {
      this.#error ??= new Error("The connection was lost");
      this.#wake();
    });
  }

  /** Reads what there is, at most as much as fits; `null` at the end. A loss makes it reject, and so does `close()`. */
  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk) {
        const part = chunk.subarray(0, into.length);
        into.set(part);
        if (part.length < chunk.length) this.#chunks.unshift(chunk.subarray(part.length));
        return part.length;
      }
      if (this.#ended) return null;
      if (this.#error) throw this.#error;
      const woken = new Promise<void>((resolve) => this.#wake = resolve);
      this.#socket.resume();
      await woken;
    }
  }

  /** Resolves when the kernel has all of it. */
  async write(bytes: Uint8Array): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#socket.write(bytes, (error) => error ? reject(this.#error ?? error) : resolve());
    });
  }

  /** Half-closes. */
  async closeWrite(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#socket.end((error?: Error | null) => error ? reject(error) : resolve());
    });
  }

  /** Closes at once, with a reset (RFC 9293 §3.10.5). */
  reset(): void {
    this.#close();
    this.#socket.resetAndDestroy();
  }

  /** Closes at once. */
  close(): void {
    this.#close();
    this.#socket.destroy();
  }

  #close(): void {
    this.#ended = false;
    this.#error = new Error("The connection was closed");
    this.#chunks.length = 0;
    this.#wake();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Something that listens on 127.0.0.1. */
export interface Listener<Conn> extends Disposable, AsyncIterable<Conn> {
  readonly port: number;
  /** The next connection; rejects once the listener is closed. */
  accept(): Promise<Conn>;
  /** Listens no more; connections stay as they are. */
  close(): void;
}

/** The port that an address of a listener has. */
export function portOf({ addr }: { readonly addr: NetworkAddress }): number {
  if (addr.transport === "unix") throw new TypeError(`${addr.path} has no port`);
  return addr.port;
}

/** Connects by hand to a port of 127.0.0.1; over TLS where a CA is given. */
export async function dialRaw(port: number, { ca }: { readonly ca?: string } = {}): Promise<RawConn> {
  return new RawConn(await dialNode(port, LOOPBACK, ca));
}

/** Listens by hand. */
export async function listenRaw(): Promise<Listener<RawConn>> {
  const queue = new Queue<RawConn>();
  const server = createServer({ ...HALF_OPEN, pauseOnConnect: true }, (socket) => queue.push(new RawConn(socket)));
  return await listening(server, LOOPBACK, queue);
}

/** Both ends of a TCP connection: the first one by hand, the other one of ours. */
export async function rawPair(): Promise<[raw: RawConn, ours: ByteConnection]> {
  using listener = await listen();
  return await Promise.all([dialRaw(listener.port), listener.accept()]);
}

/** How to listen. */
export interface ListenOptions {
  readonly hostname?: string;
  /** The path of a unix socket, in place of an address. */
  readonly unix?: string;
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** How to dial. */
export interface DialOptions {
  readonly hostname?: string;
  readonly tls?: { readonly ca: string };
}

/** What an application on a runtime does. */
interface Runtime {
  listen(options: { hostname: string } & ListenOptions): Promise<Listener<ByteConnection>>;
  dial(options: { hostname: string; port: number } & DialOptions): Promise<ByteConnection>;
}

/** Listens; over TLS a connection is there when its handshake is done. */
export async function listen(options: ListenOptions = {}): Promise<Listener<ByteConnection>> {
  return await (await runtime()).listen({ hostname: LOOPBACK, ...options });
}

/** Connects. */
export async function dial(port: number, options: DialOptions = {}): Promise<ByteConnection> {
  return await (await runtime()).dial({ hostname: LOOPBACK, ...options, port });
}

/** Both ends of a TCP connection. */
export async function oursPair(): Promise<[ByteConnection, ByteConnection]> {
  using listener = await listen();
  return await Promise.all([dial(listener.port), listener.accept()]);
}

/** A connection as a pair of streams and nothing else; closing its writable half-closes. */
export function streamsOf(conn: ByteConnection): ByteConnection {
  const { readable, writable } = conn;
  if (!("closeWrite" in conn)) return { readable, writable };
  const { write, closeWrite, close } = conn as Deno.TcpConn;
  return {
    readable,
    writable: new WritableStream({
      start: ({ signal }) =>
        signal.addEventListener("abort", () => {
          try {
            close.call(conn);
          } catch {
            // Its readable has closed it
          }
        }),
      async write(chunk) {
        for (let at = 0; at < chunk.length;) at += await write.call(conn, chunk.subarray(at));
      },
      close: () => closeWrite.call(conn),
    }),
  };
}

/** Loaded when it is used: no runtime has the modules of another. */
function runtime(): Runtime | Promise<Runtime> {
  return "Deno" in globalThis ? deno : "Bun" in globalThis ? bun() : node();
}

const deno: Runtime = {
  listen({ hostname, unix, tls }) {
    if (unix !== undefined) {
      const listener = Deno.listen({ transport: "unix", path: unix });
      return Promise.resolve(listenerOf(0, () => listener.accept(), () => listener.close()));
    }
    const listener = tls
      ? Deno.listenTls({ hostname, port: 0, ...tls })
      : Deno.listen({ hostname, port: 0 }) as Deno.Listener<Deno.Conn, Deno.NetAddr>;
    const accept = async (): Promise<ByteConnection> => {
      for (;;) {
        const conn = await listener.accept();
        try {
          if (tls) await (conn as Deno.TlsConn).handshake();
          return conn;
        } catch {
          conn.close(); // as elsewhere, a client that gets no further is not told of
        }
      }
    };
    return Promise.resolve(listenerOf(listener.addr.port, accept, () => listener.close()));
  },
  async dial({ tls, ...address }) {
    return tls ? await Deno.connectTls({ ...address, caCerts: [tls.ca] }) : await Deno.connect(address);
  },
};

async function bun(): Promise<Runtime> {
  const { listen, dial } = await import("../../src/bun.ts");
  return {
    listen(options) {
      const listener = listen(options);
      const { port = 0 } = listener.addr as { port?: number };
      return Promise.resolve(listenerOf(port, () => listener.accept(), () => listener.close()));
    },
    dial: (options) => dial(options),
  };
}

async function node(): Promise<Runtime> {
  const { fromSocket } = await import("../../src/node.ts");
  return {
    async listen({ hostname, unix, tls }) {
      const queue = new Queue<ByteConnection>();
      const take = (socket: Socket) => queue.push(fromSocket(socket));
      const server = tls ? createTlsServer({ ...HALF_OPEN, ...tls }, take) : createServer(HALF_OPEN, take);
      return await listening(server, unix ?? hostname, queue, unix !== undefined);
    },
    dial: async ({ hostname, port, tls }) => fromSocket(await dialNode(port, hostname, tls?.ca)),
  };
}

const HALF_OPEN = { allowHalfOpen: true, noDelay: true };

async function dialNode(port: number, host: string, ca?: string): Promise<Socket> {
  const socket = ca === undefined
    ? connect({ ...HALF_OPEN, host, port })
    : connectTls({ ...HALF_OPEN, host, port, ca: [ca] });
  await once(socket, ca === undefined ? "connect" : "secureConnect");
  return socket;
}

async function listening<Conn>(
  server: Server,
  where: string,
  queue: Queue<Conn>,
  isUnix = false,
): Promise<Listener<Conn>> {
  if (isUnix) server.listen(where);
  else server.listen(0, where);
  await once(server, "listening");
  return listenerOf(isUnix ? 0 : (server.address() as AddressInfo).port, () => queue.take(), () => {
    server.close();
    queue.close();
  });
}

/** What comes before it is waited for, or after. */
class Queue<Item> {
  #items: Item[] = [];
  #waiting: PromiseWithResolvers<Item>[] = [];
  #closed = false;

  push(item: Item): void {
    const first = this.#waiting.shift();
    if (first) first.resolve(item);
    else this.#items.push(item);
  }

  async take(): Promise<Item> {
    if (this.#items.length > 0) return this.#items.shift()!;
    if (this.#closed) throw new Error("The listener is closed");
    const waiting = Promise.withResolvers<Item>();
    this.#waiting.push(waiting);
    return await waiting.promise;
  }

  close(): void {
    this.#closed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(new Error("The listener is closed"));
  }
}

function listenerOf<Conn>(port: number, accept: () => Promise<Conn>, stop: () => void): Listener<Conn> {
  let closed = false;
  const close = () => {
    if (!closed) stop();
    closed = true;
  };
  return {
    port,
    accept,
    close,
    [Symbol.dispose]: close,
    async *[Symbol.asyncIterator]() {
      while (!closed) {
        try {
          yield await accept();
        } catch (error) {
          // Deno also rejects for a client that has already left
          if (!closed && !("Deno" in globalThis && error instanceof Deno.errors.NotConnected)) throw error;
        }
      }
    },
  };
}
