// The options and handlers of serve() and their check, which is done before anything is listened on.

import type { NetworkAddress } from "../base/network_address.ts";
import { checkBoolean, checkSignal, inRange, limitOf } from "../base/options.ts";
import type { RequestHead } from "../errors/handshake_error.ts";
import type { ListenOptions } from "../runtime/listener.ts";
import type { Accepted } from "./accepted.ts";
import { type AcceptOptions, checkAcceptOptions, type CheckedAcceptOptions } from "./accept_options.ts";
import { type CheckedLimits, checkLimits, type LimitOptions } from "./limit_options.ts";

/**
 * Options of {@linkcode serve}: where to listen, how many clients to take ({@linkcode LimitOptions}), and everything that
 * {@linkcode accept} takes for a connection.
 *
 * @example Two subprotocols, and a path of its own
 * ```ts
 * import { connect, serve, type ServeOptions } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const options: ServeOptions = {
 *   port: 0,
 *   protocols: ["chat.v2", "chat.v1"],
 *   authorize: ({ url }) => new URL(url).pathname === "/chat" ? undefined : new Response("Not here\n", { status: 404 }),
 * };
 * await using server = await serve(options, (socket) => socket.receive());
 *
 * await using socket = await connect(`${server.url}chat`, { protocols: "chat.v1" });
 * assertEquals(socket.protocol, "chat.v1");
 * ```
 */
export interface ServeOptions extends Omit<AcceptOptions, "prefix" | "request" | "signal">, LimitOptions {
  /**
   * The port to listen on; 0 takes a free one, which `addr` of the server then says. The default is that of `Deno.serve()`.
   *
   * @default {8000}
   */
  port?: number | undefined;
  /**
   * The address to listen on, or a name of it. By default only programs on this machine can connect; `"0.0.0.0"` (all of
   * IPv4) or `"::"` lets others in, as a container needs it.
   *
   * @default {"127.0.0.1"}
   */
  hostname?: string | undefined;
  /** The path of a Unix socket to listen on, in place of `hostname` and `port`. Its file is removed at the end. */
  unix?: string | undefined;
  /** The server's certificate for TLS, with those that lead to its authority, in PEM. It needs `key`. */
  cert?: string | undefined;
  /** The private key of `cert`, in PEM. */
  key?: string | undefined;
  /**
   * Whether to take HTTP/2 (RFC 9113), and WebSockets over it (RFC 8441). With TLS clients choose between it and HTTP/1.1 by
   * ALPN; without TLS the port speaks HTTP/2 alone, as proxies do with those behind them. Each stream counts as a connection
   * for the limits. The sockets are those of `node:net` and `node:tls` on every runtime, which are slower than Deno's and
   * Bun's own, and which Deno can't pause with TLS under HTTP/1.1: see `fromSocket()`.
   *
   * @default {false}
   */
  http2?: boolean | undefined;
  /**
   * Lets several processes listen on one port, among which the kernel shares the connections out. Linux has it on every
   * runtime; on another system it may fail. Deno's own sockets have it with `--unstable-net`; without that, Node's are used
   * on Deno, which are slower.
   *
   * @default {false}
   */
  reusePort?: boolean | undefined;
  /**
   * How long a client may take for each request, in milliseconds from its connection, or the response before, to the end
   * of the body; and then for each piece of a response that it takes. 0 means no limit. A connection that is kept alive
   * without a request is closed after it, too. Over HTTP/2 it is how long may be waited for a body while somebody reads it.
   *
   * With TLS its handshake is within it, except on Bun, which has no limit for that. Deno closes the connection in time
   * but keeps the descriptor of an unfinished handshake until the client ends: put a TLS proxy in front where that matters.
   *
   * @default {10000}
   */
  handshakeTimeout?: number | undefined;
  /**
   * The largest body of a plain HTTP request, in bytes.
   *
   * @default {1048576}
   */
  maxBodySize?: number | undefined;
  /** Shuts the server down when it aborts, as `shutdown()` does. One that has aborted before makes `serve()` reject. */
  signal?: AbortSignal | undefined;
  /** Called once the server listens, with its address. */
  onListen?: ((addr: NetworkAddress) => void) | undefined;
  /**
   * Called with every error that no caller of yours can catch. By default `console.error()` prints them, except those that
   * clients cause.
   */
  onError?: ((error: unknown, context: ServeErrorContext) => void) | undefined;
}

/**
 * What an error of a server is about: the second argument of `onError`.
 *
 * - `"peer"`: a client broke the protocol, was refused, took too long, or is gone. It had its answer.
 * - `"socket"`: the handler of WebSockets has failed; the connection is closed with 1011.
 * - `"http"`: the handler of plain HTTP has failed, or its response can't be sent; the client got a 500 where possible.
 * - `"handshake"`: `authorize`, or another function among the options, has failed; the client got a 500.
 * - `"listener"`: a connection could not be accepted, such as for want of file descriptors; the server goes on. Bun and Node
 *   do not tell of that: there such clients wait, or are disconnected.
 *
 * @example Count what clients do wrong, log the rest
 * ```ts
 * import { HandshakeError, serve, type ServeErrorContext } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const failures: string[] = [];
 * const onError = (error: unknown, { kind }: ServeErrorContext) => {
 *   if (kind !== "peer") console.error(error);
 *   else if (error instanceof HandshakeError) failures.push(error.failure);
 * };
 * const server = await serve({ port: 0, onError }, (socket) => socket.receive());
 *
 * await (await fetch(server.url!)).text();
 * await server.shutdown();
 * assertEquals(failures, ["upgrade-missing"]);
 * ```
 */
export interface ServeErrorContext {
  /** Who or what has failed. */
  readonly kind: "peer" | "socket" | "http" | "handshake" | "listener";
  /** The request, once its head was read, unless `keepRequest: false` has let it go; it may have credentials in it. */
  readonly request?: RequestHead | undefined;
  /** The address of the client, or of the proxy in front; some sockets no longer know it when they are lost. */
  readonly remoteAddr?: NetworkAddress | undefined;
}

/**
 * What is known beside a plain HTTP request: the second argument of the handler `http`.
 *
 * @example Who asks
 * ```ts
 * import { type HttpContext, serve } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const http = (_: Request, { remoteAddr }: HttpContext) =>
 *   new Response(remoteAddr?.transport === "tcp" ? remoteAddr.hostname : "somebody");
 * await using server = await serve({ port: 0 }, { socket: (socket) => socket.receive(), http });
 *
 * assertEquals(await (await fetch(server.url!)).text(), "127.0.0.1");
 * ```
 */
export interface HttpContext {
  /**
   * Aborts when nobody waits for the response any more, until all of it is sent. When the client leaves while a body is
   * sent, the stream of the body is cancelled as well. A client that has only half-closed is given a response, and each next
   * piece of its body, within another second; before the response, the signal aborts at once.
   */
  readonly signal: AbortSignal;
  /** The address of the client, or of the proxy in front. */
  readonly remoteAddr: NetworkAddress | undefined;
  /** The server's own address on this connection. */
  readonly localAddr: NetworkAddress | undefined;
}

/**
 * What a server does with its clients: the second argument of {@linkcode serve}.
 *
 * @example A page, and the WebSocket that it talks to
 * ```ts
 * import { connect, serve, type ServeHandlers } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const handlers: ServeHandlers = {
 *   socket: (socket) => socket.receive((message) => socket.send(message)),
 *   http: (request) => new Response(`You asked for ${new URL(request.url).pathname}\n`),
 * };
 * await using server = await serve({ port: 0 }, handlers);
 *
 * assertEquals(await (await fetch(`${server.url}page`)).text(), "You asked for /page\n");
 * await using socket = await connect(server.url!);
 * assertEquals(socket.state, "open");
 * ```
 */
export interface ServeHandlers<Received = string | Uint8Array<ArrayBuffer>> {
  /**
   * Called with each WebSocket that is open. What it throws, or what its promise rejects with, closes the connection with
   * 1011 and goes to `onError`. A WebSocket stays open when the handler returns; messages that nobody takes wait in it, up
   * to `highWaterMark`.
   *
   * @param socket The WebSocket, with its request.
   * @returns Nothing, or a promise that `shutdown()` waits for.
   */
  socket(socket: Accepted<Received>): unknown;
  /**
   * Called with each request that does not ask for a WebSocket. Without it every request has to: others are refused as
   * {@linkcode accept} refuses them, a GET with 426 Upgrade Required. Over HTTP/2 a body comes as the handler reads it.
   */
  http?: ((request: Request, context: HttpContext) => Response | Promise<Response>) | undefined;
}

/** {@linkcode ServeOptions} and {@linkcode ServeHandlers}, checked and with their defaults. */
export interface CheckedServeOptions {
  readonly listening: ListenOptions;
  readonly accepting: CheckedAcceptOptions;
  readonly limits: CheckedLimits;
  readonly maxBodySize: number;
  readonly signal: AbortSignal | undefined;
  readonly onListen: ServeOptions["onListen"];
  readonly onError: NonNullable<ServeOptions["onError"]>;
  readonly handlers: ServeHandlers;
}

const DEFAULT_PORT = 8000, LOOPBACK = "127.0.0.1", MAX_PORT = 65535;

/**
 * Checks the options and handlers of {@linkcode serve}.
 *
 * @throws {TypeError} When one is wrong.
 * @throws {RangeError} When a number is out of its range.
 */
export function checkServeOptions(
  options: ServeOptions,
  handlers: ServeHandlers | ServeHandlers["socket"],
): CheckedServeOptions {
  if (typeof options !== "object" || options === null) {
    throw new TypeError("Cannot serve: the first argument must be the options, such as { port: 8000 }");
  }
  const { signal, onListen, onError = printError, ...rest } = options;
  for (const name of ["onListen", "onError"] as const) {
    if (options[name] !== undefined && typeof options[name] !== "function") {
      throw new TypeError(`Cannot use the option ${name}: it must be a function`);
    }
  }
  const accepting = checkAcceptOptions(rest);
  return {
    listening: { ...checkWhere(options), handshakeTimeout: accepting.handshakeTimeout },
    accepting,
    limits: checkLimits(options, options.unix === undefined),
    maxBodySize: limitOf(options, "maxBodySize"),
    signal: checkSignal(signal),
    onListen,
    onError,
    handlers: checkHandlers(handlers),
  };
}

function checkHandlers(handlers: ServeHandlers | ServeHandlers["socket"]): ServeHandlers {
  if (typeof handlers === "function") return { socket: handlers };
  if (typeof handlers?.socket !== "function") {
    throw new TypeError("Cannot serve: the second argument must be a function, or an object with one as socket");
  }
  if (handlers.http !== undefined && typeof handlers.http !== "function") {
    throw new TypeError("Cannot serve: the handler http must be a function");
  }
  return handlers;
}

function checkWhere(options: ServeOptions): Omit<ListenOptions, "handshakeTimeout"> {
  const { hostname = LOOPBACK, port = DEFAULT_PORT, unix } = options;
  for (const name of ["hostname", "unix", "cert", "key"] as const) {
    const value = options[name];
    if (value !== undefined && (typeof value !== "string" || value === "")) {
      throw new TypeError(`Cannot use the option ${name}: it must be a string that is not empty`);
    }
  }
  const tls = checkTls(options);
  const reusePort = checkBoolean("reusePort", options.reusePort, false);
  const http2 = checkBoolean("http2", options.http2, false);
  if (unix === undefined) {
    return { address: { hostname, port: inRange("port", port, 0, MAX_PORT) }, tls, reusePort, http2 };
  }
  const inVain = (["hostname", "port", "reusePort"] as const).find((name) => options[name] !== undefined);
  if (inVain) throw new TypeError(`Cannot use the option ${inVain}: a Unix socket, as unix asks for, has none`);
  return { address: { unix }, tls, reusePort: false, http2 };
}

function checkTls({ cert, key }: ServeOptions): ListenOptions["tls"] {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    const [given, missing] = cert === undefined ? ["key", "cert"] : ["cert", "key"];
    throw new TypeError(`Cannot use the option ${given}: TLS also needs the option ${missing}`);
  }
  for (const [name, value] of [["cert", cert], ["key", key]] as const) {
    if (!value.includes("-----BEGIN ")) { // not shown: it may be a key in another format
      throw new TypeError(`Cannot use the option ${name}: it must be the text of a PEM file, not its path`);
    }
  }
  return { cert, key };
}

/** What a server prints where its user handles no errors: clients are no concern of a log by default. */
function printError(error: unknown, { kind }: ServeErrorContext): void {
  if (kind !== "peer") console.error(`A server of WebSockets: an error of the ${SUBJECTS[kind]}:`, error);
}

const SUBJECTS = {
  socket: "handler socket",
  http: "handler http",
  handshake: "functions among its options",
  listener: "listener",
} as const;
