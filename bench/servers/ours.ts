// An echo of ours, on whichever runtime runs it, as an application would write it there. Its argument is
// `{ face, door }` and options of the door, as JSON; the door `"serve"` listens by itself.

import process from "node:process";
import type { AddressInfo } from "node:net";
import { accept, type AcceptOptions, type ByteConnection, serve, type WebSocketConnection } from "../../mod.ts";
import { listening } from "./listening.ts";

interface Arguments extends AcceptOptions {
  face?: string;
  door?: "accept" | "serve";
}

const { face = "direct", door = "accept", ...given } = JSON.parse(process.argv[2] ?? "{}") as Arguments;

/** As with the others, whose request is gone once the upgrade is done. */
const options: AcceptOptions = { keepRequest: false, ...given };

const FACES: Readonly<Record<string, (socket: WebSocketConnection) => Promise<unknown>>> = {
  "direct": (socket) => socket.receive((message) => socket.send(message), { reuse: true }),
  "for-await": async (socket) => {
    for await (const message of socket.readable) socket.send(message);
  },
  "pipeTo": (socket) => socket.readable.pipeTo(socket.writable),
};

const echo = FACES[face]!, hostname = "127.0.0.1";
const ignore = () => {}; // clients leave as they like
const echoOver = (conn: ByteConnection) => {
  accept(conn, options).then((socket) => void echo(socket).catch(ignore), ignore);
};

if (door === "serve") {
  const { addr } = await serve({ port: 0, ...options }, echo);
  listening((addr as { port: number }).port);
} else if ("Deno" in globalThis) {
  const listener = Deno.listen({ hostname, port: 0 });
  listening(listener.addr.port);
  for (;;) {
    try {
      echoOver(await listener.accept());
    } catch {
      // the client has already left
    }
  }
} else if ("Bun" in globalThis) {
  const { listen } = await import("../../src/bun.ts");
  const listener = listen({ hostname });
  listening((listener.addr as { port: number }).port);
  for await (const conn of listener) echoOver(conn);
} else {
  const { createServer } = await import("node:net");
  const { fromSocket } = await import("../../src/node.ts");
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => echoOver(fromSocket(socket)));
  server.listen(0, hostname, () => listening((server.address() as AddressInfo).port));
}
