// A chat of one room: everybody gets every message. PORT chooses the port. It runs on Deno, Bun and Node.
// In a clone, run `npm install --omit=dev` first to run it on Node.

import process from "node:process";
import { fileURLToPath } from "node:url";
import { serve, type ServeOptions, type Server } from "../../mod.ts";

const PAGE = `<!doctype html><meta charset="utf-8"><title>Chat</title><ul></ul><form><input autofocus></form><script>
  const list = document.querySelector("ul"), form = document.querySelector("form"), input = document.querySelector("input");
  const socket = new WebSocket(location.href.replace("http", "ws"));
  const show = (text) => list.appendChild(document.createElement("li")).append(text);
  socket.onmessage = ({ data }) => show(data);
  socket.onclose = () => show("The connection has ended: reload to go on");
  form.onsubmit = (event) => (event.preventDefault(), socket.send(input.value), form.reset());
</script>`;

/** Serves the page, and the room. */
export async function serveChat(options: ServeOptions = {}): Promise<Server> {
  // A member that does not read what the others say is dropped once a megabyte waits for it
  const limits = { maxMessageSize: 4096, maxBufferedAmount: 2 ** 20 };
  const server = await serve({ ...limits, ...options }, {
    socket: (socket) =>
      socket.receive((message) => {
        for (const member of server.connections) if (member.state === "open") member.send(message);
      }),
    http: () => new Response(PAGE, { headers: { "content-type": "text/html; charset=utf-8" } }),
  });
  return server;
}

// Node has import.meta.main from 24.2 on
if (import.meta.main ?? process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = await serveChat({ port: Number(process.env.PORT || 8080) });
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => server.shutdown());
  console.log(`Open ${server.url} in two windows`);
}
