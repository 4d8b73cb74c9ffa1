// The options of reconnect() and their check, which is done before anything is dialled.

import type { Clock } from "../base/clock.ts";
import { delayOf, limitOf, shown, timeOf } from "../base/options.ts";
import type { HandshakeError } from "../errors/handshake_error.ts";
import type { WebSocketError } from "../errors/websocket_error.ts";
import type { BackOff } from "./back_off.ts";
import type { Connected } from "./connect.ts";
import { checkConnectOptions, type ConnectOptions } from "./connect_options.ts";

/**
 * An attempt to connect, as it is told to the functions that say where to and how.
 *
 * @example Resume behind the last message that was seen
 * ```ts
 * import { reconnect, type ReconnectAttempt, serve } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * // A server that numbers its messages, sends two to each client, and drops it
 * await using server = await serve({ port: 0 }, (socket) => {
 *   const after = Number(new URL(socket.request.url).searchParams.get("after"));
 *   for (const n of [after + 1, after + 2]) socket.send(String(n));
 *   socket.close({ closeCode: 1001 });
 * });
 *
 * let last = 0;
 * const connections: number[] = [];
 * const url = (attempt: ReconnectAttempt) => {
 *   connections.push(attempt.connections);
 *   return `${server.url}?after=${last}`;
 * };
 * for await (const message of reconnect(url, { firstDelay: 1 }).messages()) {
 *   last = Number(message);
 *   if (last === 4) break;
 * }
 * assertEquals(connections, [0, 1]);
 * ```
 */
export interface ReconnectAttempt {
  /** How many attempts and connections have failed since the last connection that lasted (see `resetAfter`). */
  readonly attempt: number;
  /** How many connections were opened so far. */
  readonly connections: number;
  /** Why the last attempt failed, or the last connection ended; `undefined` at first. */
  readonly error: HandshakeError | WebSocketError | undefined;
  /** Aborts when the client ends. */
  readonly signal: AbortSignal;
}

/**
 * What `onRetry` is told: why there is no connection, and when the next attempt begins.
 *
 * @example Usage
 * ```ts
 * import { type ReconnectRetry } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const show = ({ delay, attempt }: Omit<ReconnectRetry, "error">) => `Attempt ${attempt} in ${Math.round(delay / 1000)} s`;
 *
 * assertEquals(show({ delay: 1700, attempt: 1 }), "Attempt 1 in 2 s");
 * ```
 */
export interface ReconnectRetry {
  /**
   * Why the attempt failed, or the connection ended. A connection that was closed cleanly is a `WebSocketError`, too, with
   * its code and reason.
   */
  readonly error: HandshakeError | WebSocketError;
  /** How long it is until the next attempt, in milliseconds. */
  readonly delay: number;
  /** The `attempt` of that attempt: 1 for the first one after a connection that lasted. */
  readonly attempt: number;
}

/**
 * Options of {@linkcode reconnect}, beside those of {@linkcode connect} but for `conn`, `prefix` and `keepAlive`, which are
 * of one connection. `signal` ends the client, and `handshakeTimeout` is for each attempt.
 *
 * @example Be more patient than by default, and come back although the token had expired
 * ```ts
 * import { HandshakeError, reconnect, type ReconnectOptions, serve } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const authorize = (request: { headers: Pick<Headers, "get"> }) =>
 *   request.headers.get("x-token") === "1" ? undefined : new Response("Expired", { status: 401 });
 * await using server = await serve({ port: 0, authorize }, (socket) => socket.send("welcome"));
 *
 * let token = 0;
 * const options: ReconnectOptions = {
 *   firstDelay: 1,
 *   maxDelay: 300_000,
 *   configure: () => ({ headers: { "x-token": `${token++}` } }),
 *   shouldRetry: (error) => error.retryable || error instanceof HandshakeError && error.response?.status === 401,
 * };
 * for await (const message of reconnect(server.url!, options).messages()) {
 *   assertEquals([message, token], ["welcome", 2]);
 *   break;
 * }
 * ```
 */
export interface ReconnectOptions extends Omit<ConnectOptions, "conn" | "prefix" | "keepAlive" | "signal"> {
  /**
   * The longest wait before the first retry, in milliseconds: it is somewhere between 0 and this, by chance. It must not be
   * longer than `maxDelay`; the default is never.
   *
   * @default {3000}
   */
  firstDelay?: number | undefined;
  /**
   * What `firstDelay` grows to, in milliseconds. Retry-After and `restartSpread` may ask for more.
   *
   * @default {30000}
   */
  maxDelay?: number | undefined;
  /**
   * How many times as long the next wait may be. When a server comes back, its busiest second has about this many times
   * the mean of those in which its clients return.
   *
   * @default {1.5}
   */
  factor?: number | undefined;
  /**
   * Over how many milliseconds clients come back whose server says that it restarts (1012) or has too much to do (1013);
   * that begins after 5 seconds.
   *
   * @default {25000}
   */
  restartSpread?: number | undefined;
  /**
   * How long a connection must have lasted for waits to be short again, in milliseconds. One that ends sooner counts as an
   * attempt that failed; 0 counts none.
   *
   * @default {10000}
   */
  resetAfter?: number | undefined;
  /**
   * How many bytes of messages may wait for a connection, or for one that has waited to have room, of those that are sent by
   * `send()` of the client. Each counts 64 bytes more than its size; 0 keeps none.
   *
   * @default {1048576}
   */
  maxWaiting?: number | undefined;
  /** Ends the client, without an error, and closes its connection. */
  signal?: AbortSignal | undefined;
  /**
   * More options for this attempt, which go before the others: a fresh token in `headers`, or a `conn` that was made for it.
   * Its `signal` and `keepAlive` are not used. What it throws ends the client, unless that is a `HandshakeError` that is `retryable`.
   */
  configure?: ((attempt: ReconnectAttempt) => ConnectOptions | Promise<ConnectOptions>) | undefined;
  /**
   * Called with each connection, before what waits is sent and anything is received: to log in, or to subscribe. It must not
   * wait for messages. What it throws ends the client, unless the connection was lost meanwhile.
   */
  onOpen?: ((socket: Connected) => void | Promise<void>) | undefined;
  /** Called before each wait for another attempt. What it throws ends the client. */
  onRetry?: ((retry: ReconnectRetry) => void) | undefined;
  /** Whether to try again after this error; by default what its `retryable` says. Otherwise the client ends with it. */
  shouldRetry?: ((error: HandshakeError | WebSocketError, attempt: number) => boolean) | undefined;
  /** Gives the numbers from 0 up to 1 that waits depend on. By default `Math.random()`. */
  random?: (() => number) | undefined;
}

/** {@linkcode ReconnectOptions}, checked and with their defaults. */
export interface CheckedReconnectOptions extends Pick<ReconnectOptions, "configure" | "onOpen" | "onRetry" | "signal"> {
  readonly clock: Clock;
  readonly backOff: BackOff;
  readonly resetAfter: number;
  readonly maxWaiting: number;
  readonly shouldRetry: (error: HandshakeError | WebSocketError, attempt: number) => boolean;
  /** Those of each attempt; {@linkcode connect} checks them again, with what `configure` adds. */
  readonly connect: ConnectOptions;
}

/** The options of one connection. */
const OF_ONE = ["conn", "prefix", "keepAlive"] as const;

/** The options that are called. */
const CALLED = ["configure", "onOpen", "onRetry", "shouldRetry", "random"] as const;

/**
 * Checks the options of {@linkcode reconnect}.
 *
 * @throws {TypeError} When one is wrong.
 * @throws {RangeError} When a number is out of its range.
 * @throws {DOMException} `SyntaxError` when the subprotocols can't be used.
 */
export function checkReconnectOptions(options: ReconnectOptions): CheckedReconnectOptions {
  const given: Readonly<Record<string, unknown>> = { ...options };
  const one = OF_ONE.find((name) => given[name] !== undefined);
  if (one) {
    throw new TypeError(`Cannot use the option ${one}: it is of one connection; return it from the option configure`);
  }
  const notCalled = CALLED.find((name) => given[name] !== undefined && typeof given[name] !== "function");
  if (notCalled) throw new TypeError(`Cannot use the option ${notCalled}: it is not a function`);
  const { configure, onOpen, onRetry, shouldRetry = (error) => error.retryable, random = Math.random } = options;
  const { connection: { clock }, signal } = checkConnectOptions(options);
  return {
    backOff: {
      ...checkDelays(options),
      factor: checkFactor(options.factor),
      restartSpread: timeOf(options, "restartSpread"),
      random,
    },
    resetAfter: timeOf(options, "resetAfter"),
    maxWaiting: limitOf(options, "maxWaiting"),
    clock,
    signal,
    configure,
    onOpen,
    onRetry,
    shouldRetry,
    connect: options,
  };
}

/** The first wait and the longest one. Where only the longest one is given, it may be shorter than the default of the first. */
function checkDelays(options: ReconnectOptions): Pick<BackOff, "firstDelay" | "maxDelay"> {
  const firstDelay = delayOf(options, "firstDelay"), maxDelay = delayOf(options, "maxDelay");
  if (options.firstDelay !== undefined && firstDelay > maxDelay) {
    const rule = `and must be at most maxDelay, which is ${maxDelay} milliseconds`;
    throw new RangeError(`Cannot use the option firstDelay: it is ${firstDelay}, ${rule}`);
  }
  return { firstDelay: Math.min(firstDelay, maxDelay), maxDelay };
}

function checkFactor(factor = 1.5): number {
  if (typeof factor === "number" && factor >= 1 && factor < Infinity) return factor;
  throw new RangeError(`Cannot use the option factor: it is ${shown(factor)}, and must be a number of at least 1`);
}
