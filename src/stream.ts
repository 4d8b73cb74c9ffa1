/**
 * `WebSocketStream`, the web's class for a WebSocket with streams, on every runtime, with what `connect()` can beyond it.
 *
 * @example Usage
 * ```ts
 * import { serve } from "@handfast/websocket";
 * import { WebSocketStream } from "@handfast/websocket/stream";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await serve({ port: 0 }, (socket) => socket.receive((message) => socket.send(message)));
 * const stream = new WebSocketStream(server.url!);
 * const { readable, writable } = await stream.opened;
 * await writable.getWriter().write("Hello");
 *
 * assertEquals((await readable.getReader().read()).value, "Hello");
 * stream.close();
 * await stream.closed;
 * ```
 *
 * @module
 */

export type { CloseInfo, WebSocketErrorInit } from "./errors/websocket_error.ts";
export type { Message } from "./protocol/contract.ts";
export { WebSocketError } from "./web/stream_error.ts";
export type { WebOptions } from "./web/web_options.ts";
export { type WebSocketOpenInfo, WebSocketStream, type WebSocketStreamInit } from "./web/websocket_stream.ts";
