// What connect() can and the web's classes can't, for the bag that their constructors take last.

import { checkConnectOptions, type CheckedConnectOptions, type ConnectOptions } from "../client/connect_options.ts";

/**
 * What a constructor takes beyond the web's own arguments: what {@linkcode ConnectOptions} has, without what the class
 * decides itself.
 *
 * @example A header field and compression
 * ```ts
 * import { serve } from "@handfast/websocket";
 * import { type WebOptions, WebSocketStream } from "@handfast/websocket/stream";
 * import { assertEquals } from "@std/assert";
 *
 * const tokens: unknown[] = [];
 * const authorize = (request: { headers: Pick<Headers, "get"> }) => void tokens.push(request.headers.get("x-token"));
 * await using server = await serve({ port: 0, authorize, compression: true }, (socket) => socket.receive());
 * const beyond: WebOptions = { headers: { "x-token": "42" }, compression: true };
 * const stream = new WebSocketStream(server.url!, {}, beyond);
 *
 * assertEquals((await stream.opened).extensions.split(";")[0], "permessage-deflate");
 * assertEquals(tokens, ["42"]);
 * stream.close();
 * await stream.closed;
 * ```
 */
export interface WebOptions extends Omit<ConnectOptions, "protocols" | "signal" | "keepAlive"> {}

/** Options of `connect()` that the bag can't have but for their defaults, and why. */
const REFUSED = {
  protocols: [undefined, "the class takes it by an argument of its own"],
  signal: [undefined, "WebSocketStream takes it by its second argument, and close() ends any attempt"],
  keepAlive: [false, "the web's classes close a connection that was refused, connect() can keep it"],
  streamAbove: [Infinity, "the web's classes hand over whole messages, connect() pieces"],
} as const;

/**
 * Checks the bag, with what the class has decided.
 *
 * @throws {TypeError} When an option can't be used.
 * @throws {RangeError} When a number is out of its range.
 */
export function checkWebOptions(
  options: WebOptions | undefined,
  decided: { readonly protocols: readonly string[]; readonly signal: AbortSignal },
): CheckedConnectOptions {
  if (typeof (options ?? {}) !== "object") throw new TypeError("Cannot use the options: they must be an object");
  // Each is read once: a getter could give the check one value, and the connection another
  const { protocols, signal, keepAlive, streamAbove, ...rest } = (options ?? {}) as Record<string, unknown>;
  const given = { protocols, signal, keepAlive, streamAbove };
  for (const name of Object.keys(REFUSED) as (keyof typeof REFUSED)[]) {
    const value = given[name], [byDefault, reason] = REFUSED[name];
    const isGiven = value !== undefined && value !== byDefault;
    if (isGiven) throw new TypeError(`Cannot use the option ${name}: ${reason}`);
  }
  return checkConnectOptions({ ...rest, keepAlive: false, ...decided });
}
