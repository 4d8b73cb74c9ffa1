// The face (src/connection/connection.ts): a turn of messages to a server and back through a pair in memory, by the
// direct face and by the streams of the server; the client is the same for all.

import { attach } from "../src/server/attach.ts";
import { connectionPair } from "../src/testing.ts";
import type { WebSocketConnection } from "../src/connection/websocket_connection.ts";
import { compare } from "./harness.ts";
import { ascii } from "./inputs.ts";

/** How a server echoes, by its name. */
const FACES: Record<string, (server: WebSocketConnection) => unknown> = {
  "receive() and send()": (server) => server.receive((message) => void server.send(message)),
  "for await and send()": async (server) => {
    for await (const message of server.readable) server.send(message);
  },
  "for await and write()": async (server) => {
    const writer = server.writable.getWriter();
    for await (const message of server.readable) await writer.write(message);
  },
  "pipeTo()": (server) => server.readable.pipeTo(server.writable),
};

/** Sends a message so often, and resolves with the number of bytes that came back. */
function echoes(serve: (server: WebSocketConnection) => unknown, message: Uint8Array<ArrayBuffer>, count: number) {
  const [here, there] = connectionPair(), options = { idleTimeout: 0 };
  const client = attach(here, { role: "client", protocol: "", extensions: "" }, options);
  serve(attach(there, { role: "server", protocol: "", extensions: "" }, options));
  let waiting = 0, length = 0, echoed: (length: number) => void;
  client.receive((message) => {
    length += message.length;
    if (--waiting === 0) echoed(length);
  });
  return () => {
    waiting = count;
    length = 0;
    for (let i = 0; i < count; i++) client.send(message);
    return new Promise<number>((resolve) => echoed = resolve);
  };
}

for (const [name, size, count] of [["20 B", 20, 1], ["20 B", 20, 16], ["1 KiB", 1024, 16]] as const) {
  const contenders = Object.entries(FACES).map(([face, serve]) => [face, echoes(serve, ascii(size), count)]);
  await compare(`connection: ${count} × ${name}, echoed`, size * count, Object.fromEntries(contenders));
}
