// How many clients a server takes, and how often one may come: the options and their check.

import type { NetworkAddress } from "../base/network_address.ts";
import { limitOf, timeOf } from "../base/options.ts";
import type { RequestHead } from "../errors/handshake_error.ts";
import { quote } from "../errors/problem.ts";

/**
 * How many clients a server takes, and how often one may come; part of {@linkcode ServeOptions}. What is over a limit is
 * refused with `Retry-After`, and told to `onError` as the kind `"peer"`. Connections are judged as they are accepted,
 * before anything is read or kept for them: the response has none of the fields that `headers` adds.
 *
 * @example A server that is full
 * ```ts
 * import { connect, type HandshakeError, type LimitOptions, serve } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const limits: LimitOptions = { maxConnections: 1, retryAfter: 30_000 };
 * await using server = await serve({ port: 0, ...limits }, (socket) => socket.receive());
 * await using socket = await connect(server.url!);
 *
 * const { response }: HandshakeError = await connect(server.url!).catch((error) => error);
 * assertEquals([response?.status, response?.headers.get("retry-after")], [503, "30"]);
 * assertEquals(socket.state, "open");
 * ```
 */
export interface LimitOptions {
  /**
   * How many WebSockets may be open at once. Past it clients get a 503: with a handler `http`, only those that ask for a
   * WebSocket, and pages go on; without one, every client, before its request is read.
   *
   * @default {Infinity}
   */
  maxConnections?: number | undefined;
  /**
   * How many connections may be there that are no WebSockets: handshakes under way, with `authorize`, and plain HTTP. Past
   * it clients get a 503. With `maxConnections` it bounds the memory and the descriptors of all connections.
   *
   * @default {Infinity}
   */
  maxPendingHandshakes?: number | undefined;
  /**
   * How many connections one address may have at once, plain HTTP included. Past it its clients get a 429. An IPv6 address
   * counts as its /64, which is what one customer of a provider has.
   *
   * @default {Infinity}
   */
  maxConnectionsPerAddress?: number | undefined;
  /**
   * How many connections one address may open in a minute: all of them at once, or one after the other. Past it its clients
   * get a 429. Some 65,000 addresses are remembered, those that were seen last.
   *
   * @default {Infinity}
   */
  maxConnectionsPerMinute?: number | undefined;
  /**
   * What the two limits above count by in place of the address, which behind a proxy is the proxy's: gives the address that
   * the proxy has written into the request, or any other key, or `undefined` for a request that is not limited. Then they
   * are judged once the request is read, before `authorize`, and for WebSockets alone.
   */
  limitBy?: ((request: RequestHead, context: LimitContext) => string | undefined) | undefined;
  /**
   * What `Retry-After` says in a 503, in milliseconds; it is rounded up to seconds. A 429 of `maxConnectionsPerMinute` says
   * when the next connection is allowed.
   *
   * @default {5000}
   */
  retryAfter?: number | undefined;
}

/**
 * What is known beside the request: the second argument of {@linkcode LimitOptions.limitBy}.
 *
 * @example A header counts only when it comes from the own proxy
 * ```ts
 * import type { LimitContext, RequestHead } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const limitBy = ({ headers }: RequestHead, { remoteAddr }: LimitContext) => {
 *   const address = remoteAddr?.transport === "tcp" ? remoteAddr.hostname : undefined;
 *   return address === "10.0.0.1" ? headers.get("x-forwarded-for")?.split(",").at(-1)?.trim() : address;
 * };
 *
 * const request = new Request("http://localhost/", { headers: { "x-forwarded-for": "192.0.2.7" } });
 * assertEquals(limitBy(request, { remoteAddr: { transport: "tcp", hostname: "10.0.0.1", port: 4000 } }), "192.0.2.7");
 * assertEquals(limitBy(request, { remoteAddr: { transport: "tcp", hostname: "10.0.0.9", port: 4000 } }), "10.0.0.9");
 * ```
 */
export interface LimitContext {
  /** The address of the client, or of the proxy in front. */
  readonly remoteAddr: NetworkAddress | undefined;
}

/** {@linkcode LimitOptions}, checked and with their defaults. */
export interface CheckedLimits {
  readonly maxConnections: number;
  readonly maxPendingHandshakes: number;
  readonly maxConnectionsPerAddress: number;
  readonly maxConnectionsPerMinute: number;
  readonly limitBy: LimitOptions["limitBy"];
  readonly retryAfter: number;
}

/**
 * Checks the limits of a server.
 *
 * @param hasAddresses Whether its clients have addresses, or come through a Unix socket.
 * @throws {TypeError} When `limitBy` is no function, and when a limit counts by addresses that there are none of.
 * @throws {RangeError} When a number is out of its range.
 */
export function checkLimits(options: LimitOptions, hasAddresses: boolean): CheckedLimits {
  const { limitBy } = options;
  const checked: CheckedLimits = {
    maxConnections: limitOf(options, "maxConnections"),
    maxPendingHandshakes: limitOf(options, "maxPendingHandshakes"),
    maxConnectionsPerAddress: limitOf(options, "maxConnectionsPerAddress"),
    maxConnectionsPerMinute: limitOf(options, "maxConnectionsPerMinute"),
    limitBy,
    retryAfter: timeOf(options, "retryAfter"),
  };
  if (limitBy !== undefined && typeof limitBy !== "function") {
    throw new TypeError(`Cannot use the option limitBy: it is ${quote(String(limitBy))}, and must be a function`);
  }
  const counting = (["maxConnectionsPerAddress", "maxConnectionsPerMinute"] as const)
    .find((name) => checked[name] !== Infinity);
  if (counting && !limitBy && !hasAddresses) {
    throw new TypeError(`Cannot use the option ${counting}: a Unix socket has no addresses; give limitBy as well`);
  }
  if (limitBy && !counting) {
    throw new TypeError(
      "Cannot use the option limitBy: it is for maxConnectionsPerAddress and maxConnectionsPerMinute, and neither is set",
    );
  }
  return checked;
}
