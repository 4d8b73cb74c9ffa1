// One TCP port for everything: a page, plain HTTP beside it, and the WebSocket that the page talks to. PORT
// and HOST choose the address, Ctrl-C ends. It runs on Deno, Bun and Node.
// In a clone, run `npm install --omit=dev` first to run it on Node.

import { readFile } from "node:fs/promises";
import process from "node:process";
import { fileURLToPath } from "node:url";
import {
  type Accepted,
  answer,
  basicAuth,
  type RequestHead,
  serve,
  type ServeOptions,
  type Server,
} from "../../mod.ts";

/** Who may see `/private`. */
const DEMO = { user: "demo", password: "handfast" };

/** Serves the demonstration. */
export async function serveDemonstration(options: ServeOptions = {}): Promise<Server> {
  const http = router(await readFile(fileURLToPath(import.meta.resolve("./one_port.html")), "utf8"));
  // An upgrade where none is served is answered as a GET
  const authorize = (request: RequestHead) => pathOf(request) === "/echo" ? undefined : http(request);
  return await serve({ port: 8080, protocols: ["echo"], authorize, ...options }, { socket: echo, http });
}

/** Tells how the handshake went, then sends back whatever comes. */
async function echo(socket: Accepted): Promise<void> {
  const { request, response } = socket; // the fields of a request that the server has read can be listed, too
  socket.send(JSON.stringify({
    request: [
      `${request.method} ${request.target} HTTP/1.1`,
      ...fieldLines(new Headers([...request.headers as Headers])),
    ],
    response: ["HTTP/1.1 101 Switching Protocols", ...fieldLines(response.headers)],
  }));
  // While the peer does not read, send() gives a promise, and nothing more is read either
  await socket.receive((message) => socket.send(message));
}

/** Cookies are shared by all ports of a host: another application's are not for this page to see. */
const SECRET = new Set(["authorization", "cookie"]);

function fieldLines(headers: Headers): string[] {
  return [...headers].map(([name, value]) => `${name}: ${SECRET.has(name) ? "(not shown)" : value}`);
}

/** The plain HTTP half. */
function router(page: string): (request: RequestHead) => Promise<Response> {
  const askPassword = basicAuth({ realm: "the demonstration", users: { [DEMO.user]: DEMO.password } });
  const routes: Readonly<Record<string, (request: RequestHead) => Response | Promise<Response>>> = {
    "/": () => {
      // With these two the browser's clock counts in microseconds, and round trips on one machine can be told apart
      const isolated = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
      return content(page, { "content-type": "text/html; charset=utf-8", ...isolated });
    },
    "/healthz": () => content("fine\n"),
    "/private": async (request) => await askPassword(request) ?? content("You know the password.\n"),
    // Whoever comes here has not asked for an upgrade: the refusal says what is missing
    "/echo": async (request) => (await answer(request)).response,
  };
  return async (request) => {
    const route = routes[pathOf(request)];
    if (!route) return content("There is nothing here.\n", {}, 404);
    if (request.method !== "GET" && request.method !== "HEAD") {
      return content("GET and HEAD are for this.\n", { allow: "GET, HEAD" }, 405);
    }
    return await route(request);
  };
}

/** A response that says its length, so that HEAD does too. */
function content(body: string, fields: Record<string, string> = {}, status = 200): Response {
  const bytes = new TextEncoder().encode(body);
  const headers = { "content-type": "text/plain; charset=utf-8", "content-length": String(bytes.length), ...fields };
  return new Response(bytes, { status, headers });
}

function pathOf(request: RequestHead): string {
  return new URL(request.url).pathname;
}

// Node has import.meta.main from 24.2 on
if (import.meta.main ?? process.argv[1] === fileURLToPath(import.meta.url)) {
  const hostname = process.env.HOST || "127.0.0.1", port = Number(process.env.PORT || 8080);
  try {
    const server = await serveDemonstration({ hostname, port }), { url } = server;
    for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => server.shutdown());
    console.log(`Serving ${url} (Ctrl-C ends)`);
    console.log(`${url}private asks for a user name and a password: ${DEMO.user}, ${DEMO.password}`);
    await server.finished;
  } catch (error) {
    console.error(`${(error as Error).message} (HOST and PORT set them)`);
    process.exitCode = 1;
  }
}
