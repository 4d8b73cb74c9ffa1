// An echo of the package ws, by its files, since Bun has something else under its name. Its argument is
// `{ perMessageDeflate }`, as JSON.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import type { EventEmitter } from "node:events";

/** What is used of ws, which comes without types. */
interface WsServer extends EventEmitter {}
interface WsSocket extends EventEmitter {
  send(data: Uint8Array, options: { readonly binary: boolean }): void;
}

const path = new URL("../../node_modules/ws/lib/websocket-server.js", import.meta.url).href;
const { default: WebSocketServer } = await import(path) as { default: new (options: object) => WsServer };

const server = createServer();
const sockets = new WebSocketServer({ server, ...JSON.parse(process.argv[2] ?? "{}") });
sockets.on("connection", (socket: WsSocket) => {
  socket.on("message", (data: Uint8Array, isBinary: boolean) => socket.send(data, { binary: isBinary }));
  socket.on("error", () => {});
});
server.listen(0, "127.0.0.1", () => console.log(`listening ${(server.address() as AddressInfo).port}`));
