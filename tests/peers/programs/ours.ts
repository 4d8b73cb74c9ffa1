// Ours, on whichever runtime runs it: accept() on the sockets that the runtime is fast with, and connect(), which dials.

import { accept, connect, type Message, prepare, type WebSocketConnection } from "../../../mod.ts";
import { listen } from "../../kit/tcp.ts";
import { type Deflate, run } from "./program.ts";

/** Sends, and prepares every third message: those between them are compressed with a window that goes on behind those. */
function senderOf(socket: WebSocketConnection): (message: Message) => void | Promise<void> {
  let count = 0;
  return (message) => socket.send(count++ % 3 === 1 ? prepare(message) : message);
}

/** An echo by each face, by turns. */
const ECHOES: readonly ((socket: WebSocketConnection) => Promise<unknown>)[] = [
  (socket) => {
    const send = senderOf(socket);
    return socket.receive(send);
  },
  (socket) => socket.readable.pipeTo(socket.writable),
];

const optionsOf = (deflate: Deflate | undefined) => deflate ? { compression: { ...deflate, threshold: 0 } } : {};

await run({
  async serve(identity, deflate) {
    const listener = await listen(identity ? { tls: identity } : {});
    const options = optionsOf(deflate);
    let count = 0;
    (async () => {
      for await (const conn of listener) {
        accept(conn, options).then(ECHOES[count++ % ECHOES.length]).catch(console.error);
      }
    })();
    return listener.port;
  },
  async connect(url, ca, deflate) {
    const socket = await connect(url, { ...optionsOf(deflate), ...ca !== undefined && { caCerts: [ca] } });
    const reader = socket.readable.getReader(), send = senderOf(socket);
    return {
      extensions: socket.extensions,
      send: (message) => send(typeof message === "string" ? message : new Uint8Array(message)),
      async next() {
        const { value, done } = await reader.read();
        if (done) throw new Error("The WebSocket was closed before the last echo");
        return value;
      },
      close: async (closeCode, reason) => (await socket.close({ closeCode, reason })).closeCode,
    };
  },
});
