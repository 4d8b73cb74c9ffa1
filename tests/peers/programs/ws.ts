// The package ws, on Node: client and server.

import type { EventEmitter } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import { type Deflate, run, standardClient } from "./program.ts";

/** What is used of a WebSocket of ws, which comes without types. */
interface WsSocket extends Pick<EventEmitter, "on"> {
  send(data: Uint8Array, options: { readonly binary: boolean }): void;
}

/** Its names are those of {@linkcode Deflate}. */
const settingsOf = (deflate: Deflate | undefined) => deflate ? { ...deflate, threshold: 0 } : false;

await run({
  async serve(identity, deflate) {
    const server = identity ? createTlsServer(identity) : createServer();
    new WebSocketServer({ server, perMessageDeflate: settingsOf(deflate) }).on("connection", (socket: WsSocket) => {
      socket.on("message", (data: Uint8Array, isBinary: boolean) => socket.send(data, { binary: isBinary }));
      socket.on("error", console.error); // without a listener it would end the program
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  },
  async connect(url, ca, deflate) {
    const socket = new WebSocket(url, { ca, perMessageDeflate: settingsOf(deflate) });
    let extensions = ""; // the socket itself has only the name
    socket.once("upgrade", ({ headers }: IncomingMessage) => extensions = headers["sec-websocket-extensions"] ?? "");
    return { ...await standardClient(socket), extensions };
  },
});
