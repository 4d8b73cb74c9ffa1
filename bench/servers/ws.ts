// An echo of the package ws, by its files, since Bun has something else under its name. Its argument is
// `{ perMessageDeflate, corked, port, reusePort, cert, key }`, as JSON: corked by hand, what is sent in one turn goes out in
// one write.

import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import process from "node:process";
import type { EventEmitter } from "node:events";
import { listening } from "./listening.ts";

/** What is used of ws, which comes without types. */
interface WsServer extends EventEmitter {}
interface WsSocket extends EventEmitter {
  send(data: Uint8Array | string, options: { readonly binary: boolean }): void;
}

interface Arguments {
  corked?: boolean;
  port?: number;
  reusePort?: boolean;
  cert?: string;
  key?: string;
}

const { corked = false, port = 0, reusePort = false, cert, key, ...options } = JSON.parse(
  process.argv[2] ?? "{}",
) as Arguments;
const path = new URL("../../node_modules/ws/lib/websocket-server.js", import.meta.url).href;
const { default: WebSocketServer } = await import(path) as { default: new (options: object) => WsServer };

const server = cert === undefined ? createServer() : createSecureServer({ cert, key });
const sockets = new WebSocketServer({ server, maxPayload: 16 * 2 ** 20, ...options });
sockets.on("connection", (socket: WsSocket, { socket: tcp }: { socket: Socket }) => {
  let isCorked = false;
  const uncork = () => {
    isCorked = false;
    tcp.uncork();
  };
  socket.on("message", (data: Uint8Array, isBinary: boolean) => {
    if (corked && !isCorked) {
      isCorked = true;
      tcp.cork();
      process.nextTick(uncork);
    }
    // Text is given to an application as a string
    socket.send(isBinary ? data : data.toString(), { binary: isBinary });
  });
  socket.on("error", () => {});
});
server.listen({ port, host: "127.0.0.1", reusePort }, () => listening((server.address() as AddressInfo).port));
