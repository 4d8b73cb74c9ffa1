/**
 * `WebSocket`, the web's class, on every runtime, with what `connect()` can beyond it.
 *
 * @example Usage
 * ```ts
 * import { serve } from "@handfast/websocket";
 * import { WebSocket } from "@handfast/websocket/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await serve({ port: 0 }, (socket) => socket.receive((message) => socket.send(message)));
 * const socket = new WebSocket(server.url!);
 * socket.onopen = () => socket.send("Hello");
 * const { data } = await new Promise<{ data: unknown }>((resolve) => socket.onmessage = resolve);
 *
 * assertEquals(data, "Hello");
 * socket.close();
 * ```
 *
 * @module
 */

export type { EventInit } from "./web/event_class.ts";
export {
  CloseEvent,
  type CloseEventInit,
  ErrorEvent,
  type ErrorEventInit,
  type WebSocketEventMap,
} from "./web/events.ts";
export { MessageEvent, type MessageEventInit } from "./web/message_event.ts";
export type { WebOptions } from "./web/web_options.ts";
export { WebSocket } from "./web/websocket.ts";
export type { WebSocketInit } from "./web/websocket_init.ts";
