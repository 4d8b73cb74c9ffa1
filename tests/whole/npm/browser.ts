// Handlers as they are written for a browser: their types are those of the runtime, and not ours.

import { WebSocket } from "@handfast/websocket/websocket";

/** Sets all of them. */
export function listen(socket: WebSocket): void {
  socket.onopen = (event: Event) => event.type;
  socket.onmessage = (event: MessageEvent) => event.data;
  socket.onerror = (event: Event) => event.type;
  socket.onclose = (event: CloseEvent) => [event.code, event.reason, event.wasClean];
  socket.addEventListener("message", (event: MessageEvent) => event.data);
  socket.addEventListener("close", (event: CloseEvent) => event.code);
  socket.addEventListener("error", (event: Event) => event.type);
  socket.removeEventListener("message", (event: MessageEvent) => event.data, { capture: true });
}

/** What takes a class. */
export const Class = WebSocket as unknown as typeof globalThis.WebSocket;
