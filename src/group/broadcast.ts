// One message to all members of a group, and what becomes of it at those that are slow. Nobody waits for anybody: each
// member has a buffer of its own, and the policy says what happens where that is full.

import { checkBoolean, checkNumber } from "../base/options.ts";
import type { Driver } from "../connection/driver.ts";
import type { WebSocketConnection } from "../connection/websocket_connection.ts";
import { quote } from "../errors/problem.ts";
import type { Prepared } from "../protocol/prepared_message.ts";

/**
 * What becomes of a message at a member that is slow: more bytes wait to be written to it than `slowAbove`.
 *
 * - `"wait"`: the message waits behind the others. Past `maxBufferedAmount` of the connection the member is dropped.
 * - `"skip"`: the member does not get it.
 * - `"drop-oldest"`: the message waits, and the oldest ones that wait in this way are thrown away while they are more than
 *   `slowAbove` in bytes.
 * - `"close"`: the member does not get it, and is closed with 1013 («try again later»).
 *
 * @example Prices: only the newest count
 * ```ts
 * import { Connections, type SlowMembers } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const slow: SlowMembers = "drop-oldest";
 * const report = new Connections().broadcast("1.08", { slow, slowAbove: 1000 });
 *
 * assertEquals(report, { sent: 0, skipped: 0, closed: 0 });
 * ```
 */
export type SlowMembers = "wait" | "skip" | "drop-oldest" | "close";

/**
 * How to send a message to all members of a group.
 *
 * @example Everybody but who has said it
 * ```ts
 * import { type BroadcastOptions, connect, Connections, serve } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const group = new Connections();
 * await using server = await serve({ port: 0 }, async (socket) => {
 *   group.add(socket);
 *   const others: BroadcastOptions = { except: socket };
 *   await socket.receive((message) => void group.broadcast(message, others));
 * });
 * const ada = await connect(server.url!), bob = await connect(server.url!);
 * await Promise.all([ada.ping(), bob.ping()]); // both have joined
 *
 * ada.send("Hello");
 * assertEquals((await bob.readable.getReader().read()).value, "Hello");
 * await Promise.all([ada.close(), bob.close()]);
 * ```
 */
export interface BroadcastOptions<
  Value = undefined,
  Socket extends WebSocketConnection<unknown> = WebSocketConnection,
> {
  /**
   * Who does not get it: a socket, several in a `Set` or in another group, or those for which a function returns `true`.
   * What the function throws, `broadcast()` throws; the members before have the message then. It should not send or
   * broadcast itself: members that it has yet to be asked about would get that before this message, and others after it.
   */
  except?:
    | WebSocketConnection<unknown>
    | { has(socket: Socket): boolean }
    | ((value: Value, socket: Socket) => boolean)
    | undefined;
  /**
   * What to do where more than `slowAbove` waits to be written already.
   *
   * @default {"wait"}
   */
  slow?: SlowMembers | undefined;
  /**
   * From how many bytes of `bufferedAmount` on a member is slow; by default its `highWaterMark`. What is sent in one turn
   * waits, too: on Deno all of it, elsewhere what the kernel does not take. It should have room for a burst.
   *
   * @default {65536}
   */
  slowAbove?: number | undefined;
  /**
   * Whether the message may be compressed, if it is not prepared.
   *
   * @default {true}
   */
  compress?: boolean | undefined;
}

/**
 * What became of a message at the members of a group.
 *
 * @example Usage
 * ```ts
 * import { attach, type BroadcastReport, Connections } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const group = new Connections();
 * const socket = attach(connectionPair()[0], { role: "server", protocol: "", extensions: "" });
 * group.add(socket);
 *
 * const report: BroadcastReport = group.broadcast("Hello");
 * assertEquals(report, { sent: 1, skipped: 0, closed: 0 });
 * socket.abort();
 * ```
 */
export interface BroadcastReport {
  /** How many members it is on its way to. */
  sent: number;
  /**
   * How many messages members miss by this call: this one, at members that are slow, closing, or in the middle of a message
   * that is sent in pieces; and with `"drop-oldest"` the older ones that were thrown away.
   */
  skipped: number;
  /** How many members were closed because they are slow, dropped because of `maxBufferedAmount`, or lost meanwhile. */
  closed: number;
}

/** {@linkcode BroadcastOptions}, checked. */
export interface CheckedBroadcast<Value, Socket> {
  readonly isExcepted: ((value: Value, socket: Socket) => boolean) | undefined;
  readonly policy: Policy;
  readonly slowAbove: number | undefined;
  readonly compress: boolean;
}

/** Sends a message to a slow member, or does not, and counts that. */
type Policy = (driver: Driver, message: Prepared, slowAbove: number | undefined, report: BroadcastReport) => void;

/** The Close frame for members that are too slow (RFC 6455 §7.4.1; 1013 is of its registry, §11.7). */
const TOO_SLOW = { closeCode: 1013, reason: "Too slow" };

const POLICIES: Readonly<Record<SlowMembers, Policy>> = {
  "wait": (driver, message, _slowAbove, report) => send(driver, message, report),
  "skip": (_driver, _message, _slowAbove, report) => void report.skipped++,
  "drop-oldest": (driver, message, slowAbove, report) => {
    report.skipped += driver.flusher.hold(message, slowAbove);
    report.sent++;
  },
  "close": (driver, _message, _slowAbove, report) => {
    driver.close(TOO_SLOW);
    report.closed++;
  },
};

/** Sends a message to a member, which may be dropped by that. */
function send(driver: Driver, message: Prepared, report: BroadcastReport): void {
  driver.flusher.send(message);
  if (driver.isOpen) report.sent++;
  else report.closed++;
}

/**
 * Checks the options.
 *
 * @throws {TypeError} When `slow` is no policy, `except` nothing that says who is excepted, or `compress` no boolean.
 * @throws {RangeError} When `slowAbove` is no number of bytes.
 */
export function checkBroadcast<Value, Socket extends WebSocketConnection<unknown>>(
  options: BroadcastOptions<Value, Socket>,
): CheckedBroadcast<Value, Socket> {
  const { slow = "wait", slowAbove } = options;
  if (!Object.hasOwn(POLICIES, slow)) {
    const known = Object.keys(POLICIES).map((name) => `"${name}"`).join(", ");
    throw new TypeError(`Cannot use the option slow: it is ${quote(String(slow))}, and must be one of ${known}`);
  }
  return {
    isExcepted: checkExcept(options.except),
    policy: POLICIES[slow],
    slowAbove: slowAbove === undefined ? undefined : checkNumber("slowAbove", slowAbove, 0),
    compress: checkBoolean("compress", options.compress, true),
  };
}

function checkExcept<Value, Socket extends WebSocketConnection<unknown>>(
  except: BroadcastOptions<Value, Socket>["except"],
): ((value: Value, socket: Socket) => boolean) | undefined {
  if (except === undefined || typeof except === "function") return except;
  if (typeof except === "object" && except !== null) {
    if ("has" in except && typeof except.has === "function") return (_value, socket) => except.has(socket);
    if ("bufferedAmount" in except) return (_value, socket) => (socket as WebSocketConnection<unknown>) === except;
  }
  throw new TypeError(
    "Cannot use the option except: it must be a socket, have a method has(), such as a Set, or be a function",
  );
}
