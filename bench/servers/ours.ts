// An echo of ours, on whichever runtime runs it. Its argument is `{ face, compression }`, as JSON.

import process from "node:process";
import { accept, type AcceptOptions, type WebSocketConnection } from "../../mod.ts";
import { listen } from "../../tests/tcp.ts";

const { face = "direct", ...options } = JSON.parse(process.argv[2] ?? "{}") as AcceptOptions & { face?: string };

const FACES: Readonly<Record<string, (socket: WebSocketConnection) => Promise<unknown>>> = {
  "direct": (socket) => socket.receive((message) => socket.send(message)),
  "for-await": async (socket) => {
    for await (const message of socket.readable) socket.send(message);
  },
  "pipeTo": (socket) => socket.readable.pipeTo(socket.writable),
};

const echo = FACES[face]!, listener = await listen();
console.log(`listening ${listener.port}`);
for await (const conn of listener) accept(conn, options).then(echo).catch(() => {});
