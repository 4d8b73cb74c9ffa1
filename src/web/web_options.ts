// What connect() can and the web's classes can't, for the bag that their constructors take last.

import type { StreamingOptions } from "../connection/connection_options.ts";
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

/**
 * Checks the bag, with what the class has decided.
 *
 * @throws {TypeError} When an option can't be used.
 * @throws {RangeError} When a number is out of its range.
 */
export function checkWebOptions(
  options: WebOptions | undefined,
  { protocols, signal }: { readonly protocols: readonly string[]; readonly signal: AbortSignal },
): CheckedConnectOptions {
  if (typeof (options ?? {}) !== "object") throw new TypeError("Cannot use the options: they must be an object");
  const { streamAbove = Infinity } = options as Partial<StreamingOptions> ?? {};
  if (streamAbove !== Infinity) {
    throw new TypeError(
      "Cannot use the option streamAbove: the web's classes hand over whole messages, connect() pieces",
    );
  }
  return checkConnectOptions({ ...options, keepAlive: false, protocols, signal });
}
