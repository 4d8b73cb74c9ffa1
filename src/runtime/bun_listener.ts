// Listens over Bun.listen, as Deno.listen does on Deno: connections are awaited, or iterated.

import type { TLSOptions } from "bun";
import type { NetworkAddress } from "../transport/transport.ts";
import { type BunConnection, bunHandlers } from "./bun_socket.ts";
import { type BunServer, bunTcp } from "./bun_api.ts";
import { bunAddress } from "./bun_serving.ts";

/**
 * A listener of {@linkcode listen}: call `accept()`, or iterate it for its connections.
 *
 * @example Accept one connection, then stop
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
  /** The address that it listens on, with the port that it got. */
  readonly addr: NetworkAddress;
  /**
   * Waits for the next connection. Connections that open while nobody waits are queued.
   *
   * @returns The connection; rejects once the listener is closed.
   */
  accept(): Promise<BunConnection>;
  /** Stops listening and closes the connections in the queue. Those that `accept()` has given stay open. */
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
  /** The path of a Unix socket to listen on, instead of an address and a port. */
  unix?: string | undefined;
  /**
   * Bun's options for TLS, with `cert` and `key`. `accept()` gives a connection once its TLS handshake is done. Bun sets
   * no time limit for that: a client that connects and never does the handshake stays connected without being seen.
   */
  tls?: TLSOptions | undefined;
}

/** The defaults of {@linkcode ListenOptions}. */
const ALL_ADDRESSES = "0.0.0.0", ANY_PORT = 0;

/**
 * Listens for TCP connections with `Bun.listen`, in the manner of `Deno.listen`.
 *
 * @param options Where to listen, and TLS.
 * @returns The listener.
 * @throws {TypeError} On another runtime, and for `tls` without a certificate.
 *
 * @example HTTP on the same port
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
  const { hostname = ALL_ADDRESSES, port = ANY_PORT, unix, tls } = options;
  if (tls !== undefined && !(tls?.cert && tls.key)) {
    // Bun would accept connections without TLS
    throw new TypeError("Cannot listen with TLS: it needs a certificate and its key, as cert and key");
  }
  const server = bunTcp().listen({
    ...(unix === undefined ? { hostname, port } : { unix }),
    ...(tls && { tls }),
    allowHalfOpen: true,
    socket: bunHandlers((connection) => listener.onConnection(connection), unix),
  });
  const listener = new Listener(server);
  return listener;
}

/** Holds connections that nobody has asked for yet, or calls of `accept()` that wait for one: never both. */
class Listener implements BunListener {
  readonly #server: BunServer;
  readonly #queue: BunConnection[] = [];
  readonly #calls: PromiseWithResolvers<BunConnection>[] = [];
  #isClosed = false;

  constructor(server: BunServer) {
    this.#server = server;
  }

  get addr(): NetworkAddress {
    return bunAddress(this.#server);
  }

  onConnection(connection: BunConnection): void {
    const call = this.#calls.shift();
    if (call) call.resolve(connection);
    else if (this.#isClosed) connection.close();
    else this.#queue.push(connection);
  }

  accept(): Promise<BunConnection> {
    const connection = this.#queue.shift();
    if (connection) return Promise.resolve(connection);
    if (this.#isClosed) return Promise.reject(closedError());
    const call = Promise.withResolvers<BunConnection>();
    this.#calls.push(call);
    return call.promise;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#server.stop();
    for (const connection of this.#queue.splice(0)) connection.close();
    for (const { reject } of this.#calls.splice(0)) reject(closedError());
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
      this.close(); // as a Deno.Listener does, also when the loop is left early
    }
  }
}

function closedError(): Error {
  return new Error("Cannot accept: the listener is closed");
}
