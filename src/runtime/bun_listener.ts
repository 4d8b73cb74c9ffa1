import { type TLSOptions } from "bun";
import { type BunAddress, bunHandlers, type BunServer, bunTcp } from "./bun_socket.ts";
import { type ByteConnection } from "../transport/transport.ts";

/**
 * A socket of Bun's, as a connection.
 *
 * @example Who is there
 * ```ts ignore
 * import { type BunConnection, dial, listen } from "@handfast/websocket/bun";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const listener = listen({ hostname: "127.0.0.1", port: 8766 });
 * const client: BunConnection = await dial({ hostname: "127.0.0.1", port: 8766 });
 * const server = await listener.accept();
 *
 * assert(client.localAddr.transport === "tcp");
 * assertEquals(server.remoteAddr, client.localAddr);
 * for (const end of [client, server, listener]) end.close();
 * ```
 */
export interface BunConnection extends ByteConnection, Disposable {
  /** Our end. */
  readonly localAddr: BunAddress;
  /** The peer's end. */
  readonly remoteAddr: BunAddress;
  /** Closes at once, whoever uses it. */
  close(): void;
}

/**
 * What {@linkcode listen} gives.
 *
 * @example One connection, and no more
 * ```ts ignore
 * import { type BunListener, dial, listen } from "@handfast/websocket/bun";
 * import { assertRejects } from "@std/assert";
 *
 * const listener: BunListener = listen({ hostname: "127.0.0.1", port: 8767 });
 * const client = await dial({ hostname: "127.0.0.1", port: 8767 });
 * const conn = await listener.accept();
 * listener.close();
 *
 * await assertRejects(() => listener.accept(), Error, "closed");
 * for (const end of [client, conn]) end.close();
 * ```
 */
export interface BunListener extends AsyncIterable<BunConnection>, Disposable {
  /** Where it listens. */
  readonly addr: BunAddress;
  /**
   * Waits for a connection. What comes while nobody waits is accepted and queued.
   *
   * @returns The connection; rejects when the listener is closed.
   */
  accept(): Promise<BunConnection>;
  /** Stops listening, and drops what was not asked for. Connections that were given go on. */
  close(): void;
}

/**
 * Options of {@linkcode listen}.
 *
 * @example TLS
 * ```ts ignore
 * import { listen, type ListenOptions } from "@handfast/websocket/bun";
 * import { assertThrows } from "@std/assert";
 *
 * const options: ListenOptions = { port: 8443, tls: { ca: "…" } };
 *
 * assertThrows(() => listen(options), TypeError, "a certificate");
 * ```
 */
export interface ListenOptions {
  /**
   * The address to listen on.
   *
   * @default {"0.0.0.0"}
   */
  hostname?: string | undefined;
  /**
   * The port; 0 takes a free one.
   *
   * @default {0}
   */
  port?: number | undefined;
  /** The path of a unix socket, in place of an address and a port. */
  unix?: string | undefined;
  /**
   * Bun's options for TLS, with a certificate. A connection is given once its handshake is done. Bun has no deadline for
   * that: who connects and never does it stays connected, unseen.
   */
  tls?: TLSOptions | undefined;
}

/**
 * Listens over `Bun.listen`, as `Deno.listen` does on Deno.
 *
 * @param options Where, and TLS.
 * @returns The listener, which is iterated for its connections.
 * @throws {TypeError} On another runtime, and for `tls` without a certificate.
 *
 * @example HTTP beside it on the same port
 * ```ts ignore
 * import { readRequest, writeResponse } from "@handfast/websocket";
 * import { listen } from "@handfast/websocket/bun";
 * import { assertEquals } from "@std/assert";
 *
 * const listener = listen({ hostname: "127.0.0.1", port: 8768 });
 * const serving = (async () => {
 *   const conn = await listener.accept();
 *   const { request } = (await readRequest(conn))!;
 *   await writeResponse(conn, new Response(new URL(request.url).pathname), { request });
 * })();
 *
 * assertEquals(await (await fetch("http://127.0.0.1:8768/healthz")).text(), "/healthz");
 * await serving;
 * listener.close();
 * ```
 */
export function listen(options: ListenOptions = {}): BunListener {
  const { hostname = "0.0.0.0", port = 0, unix, tls } = options;
  if (tls !== undefined && !(tls?.cert && tls.key)) {
    // Bun would take connections without TLS
    throw new TypeError("Cannot listen with TLS: it needs a certificate and its key, as cert and key");
  }
  const server = bunTcp().listen({
    ...(unix === undefined ? { hostname, port } : { unix }),
    ...(tls && { tls }),
    allowHalfOpen: true,
    socket: bunHandlers((connection) => listener.push(connection), unix),
  });
  const listener = new Listener(server);
  return listener;
}

/** Connections that wait to be asked for, or askers that wait for connections. */
class Listener implements BunListener {
  readonly #server: BunServer;
  readonly #waiting: BunConnection[] = [];
  readonly #asking: PromiseWithResolvers<BunConnection>[] = [];
  #isClosed = false;

  constructor(server: BunServer) {
    this.#server = server;
  }

  get addr(): BunAddress {
    const { hostname = "", port = 0, unix } = this.#server;
    return unix === undefined ? { transport: "tcp", hostname, port } : { transport: "unix", path: unix };
  }

  push(connection: BunConnection): void {
    const asker = this.#asking.shift();
    if (asker) asker.resolve(connection);
    else if (this.#isClosed) connection.close();
    else this.#waiting.push(connection);
  }

  accept(): Promise<BunConnection> {
    const connection = this.#waiting.shift();
    if (connection) return Promise.resolve(connection);
    if (this.#isClosed) return Promise.reject(closedError());
    const asker = Promise.withResolvers<BunConnection>();
    this.#asking.push(asker);
    return asker.promise;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#server.stop();
    for (const connection of this.#waiting.splice(0)) connection.close();
    for (const { reject } of this.#asking.splice(0)) reject(closedError());
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<BunConnection> {
    try {
      while (!this.#isClosed) yield await this.accept();
    } catch (error) {
      if (!this.#isClosed) throw error;
    } finally {
      this.close(); // as Deno's does, also for a loop that was left
    }
  }
}

function closedError(): Error {
  return new Error("Cannot accept: the listener is closed");
}
