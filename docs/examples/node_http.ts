// An HTTP server of node:http, on Node, Deno or Bun, whose upgrades are accepted here. PORT chooses the port.
// In a clone, run `npm install --omit=dev` first to run it on Node.

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { Duplex } from "node:stream";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { accept, type Accepted, HandshakeError } from "../../mod.ts";
import { fromUpgrade } from "../../src/node.ts";

/** Serves a page, and an echo at `/echo`. */
export async function serve(port: number): Promise<Server> {
  const server = createServer((_, response) => response.end("The echo is at /echo\n"));
  server.on("upgrade", (req, socket: Duplex, head) => {
    const [conn, upgrade] = fromUpgrade(req, socket, head);
    // Every upgrade is answered, by the 101 or by a refusal: nobody else looks at it
    const authorize = () => req.url === "/echo" ? undefined : new Response("There is nothing here\n", { status: 404 });
    accept(conn, { ...upgrade, authorize }).then(echo).catch((error) => {
      if (!(error instanceof HandshakeError)) console.error(error);
    });
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function echo(socket: Accepted): Promise<void> {
  await socket.receive((message) => socket.send(message)).catch(() => {}); // a peer that is lost is its own matter
}

// Node has import.meta.main from 24.2 on
if (import.meta.main ?? process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = await serve(Number(process.env.PORT || 8080));
  console.log("Serving", server.address());
}
