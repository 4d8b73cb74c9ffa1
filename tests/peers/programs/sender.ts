// Clients that are still sending when the server has said its last words. Arguments: the kind of client, the port, how many
// bytes each sends, how many send, one after the other. Prints what each was told, as JSON: a close code, a status, or an
// error.

import process from "node:process";
import type * as undiciTypes from "undici";
import undiciModule from "../../../node_modules/undici/index.js";
import WebSocketOfWs from "../../../node_modules/ws/lib/websocket.js";
import { connect, type WebSocketError } from "../../../mod.ts";

const undici = undiciModule as typeof undiciTypes;

type Send = (port: number, size: number) => Promise<number | string>;

/** Sends one message with the API of browsers; gives the close code. */
const message = (open: (url: string) => WebSocket): Send => async (port, size) => {
  const socket = open(`ws://127.0.0.1:${port}/`), closed = Promise.withResolvers<number>();
  socket.onopen = () => socket.send(new Uint8Array(size));
  socket.onerror = () => {};
  socket.onclose = ({ code }) => closed.resolve(code);
  return await closed.promise;
};

const CLIENTS: Readonly<Record<string, Send>> = {
  ws: message((url) => new (WebSocketOfWs as unknown as typeof WebSocket)(url)),
  undici: message((url) => new undici.WebSocket(url) as unknown as WebSocket),
  async ours(port, size) {
    const socket = await connect(`ws://127.0.0.1:${port}/`);
    const closed = socket.closed.catch((error: WebSocketError) => error);
    await Promise.resolve(socket.send(new Uint8Array(size))).catch(() => {});
    return (await closed).closeCode ?? "none";
  },
  async fetch(port, size) {
    const response = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: new Uint8Array(size) });
    await response.arrayBuffer();
    return response.status;
  },
};

const [kind, port, size, tries] = process.argv.slice(2);
const told: (number | string)[] = [];
for (let i = 0; i < Number(tries); i++) {
  told.push(await CLIENTS[kind!]!(Number(port), Number(size)).catch((error: Error) => String(error.cause ?? error)));
}
console.log(JSON.stringify(told));
process.exit(0);
