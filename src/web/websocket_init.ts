// The second argument of the class WebSocket: the web's subprotocols, or an object, as undici, Deno and Bun take one, too.

import type { WebOptions } from "./web_options.ts";

/**
 * The second argument as an object: what a constructor takes beyond the URL, all in one.
 *
 * @example A subprotocol and a header field
 * ```ts
 * import { serve } from "@handfast/websocket";
 * import { WebSocket, type WebSocketInit } from "@handfast/websocket/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await serve({ port: 0, protocols: ["chat"] }, (socket) => socket.receive());
 * const init: WebSocketInit = { protocols: "chat", headers: { "x-token": "42" } };
 * const socket = new WebSocket(server.url!, init);
 * await new Promise((resolve) => socket.onopen = resolve);
 *
 * assertEquals(socket.protocol, "chat");
 * socket.close();
 * ```
 */
export interface WebSocketInit extends WebOptions {
  /** The subprotocols to offer, the preferred one first: tokens that differ in more than case. */
  protocols?: string | Iterable<string> | undefined;
}

/** The second argument as an object. */
export function initOf(second: string | Iterable<string> | WebSocketInit | null): WebSocketInit {
  if (second === null) return {};
  const isList = typeof second !== "object" || Symbol.iterator in second;
  return isList ? { protocols: typeof second === "object" ? second : `${second}` } : second;
}
