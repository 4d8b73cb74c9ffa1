// A Hono app on Node whose middleware judges upgrades as well: a request for one goes through the app first, and what the
// app answers with 204 is accepted. PORT chooses the port.
// In a clone, run `npm install` first to run it on Node.

import { once } from "node:events";
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { serve as serveHono } from "@hono/node-server";
import { Hono } from "hono";
import { basicAuth } from "hono/basic-auth";
import { accept, HandshakeError } from "../../mod.ts";
import { fromUpgrade } from "../../src/node.ts";

const app = new Hono();
app.get("/", (c) => c.text("The echo is at /echo, for demo with the password handfast\n"));
app.use("/echo", basicAuth({ username: "demo", password: "handfast" }));
app.get("/echo", (c) => c.body(null, c.req.header("upgrade") ? 204 : 426));

/** Serves the app. */
export async function serve(port: number): Promise<Server> {
  const server = serveHono({ fetch: app.fetch, port, hostname: "127.0.0.1" }) as Server;
  server.on("upgrade", async (req: IncomingMessage, socket: Duplex, head: Uint8Array) => {
    const [conn, upgrade] = fromUpgrade(req, socket, head);
    const authorize = async () => {
      const response = await app.fetch(asRequest(req));
      return response.status === 204 ? undefined : response;
    };
    try {
      const accepted = await accept(conn, { ...upgrade, authorize });
      await accepted.receive((message) => accepted.send(message));
    } catch (error) {
      if (!(error instanceof HandshakeError)) console.error(error);
    }
  });
  if (!server.listening) await once(server, "listening");
  return server;
}

/** The request as an app of Hono's takes it. */
function asRequest(req: IncomingMessage): Request {
  const headers = new Headers();
  for (let i = 0; i < req.rawHeaders.length; i += 2) headers.append(req.rawHeaders[i]!, req.rawHeaders[i + 1]!);
  return new Request(`http://${req.headers.host}${req.url}`, { headers });
}

// Node has import.meta.main from 24.2 on
if (import.meta.main ?? process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = await serve(Number(process.env.PORT || 8080));
  console.log("Serving", server.address());
}
