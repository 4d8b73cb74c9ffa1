// One TCP port for everything: a page, plain HTTP beside it, and the WebSocket that the page talks to. A connection is
// read request by request, until one of them becomes a WebSocket. PORT and HOST choose the address, Ctrl-C ends. It runs
// on Deno, Bun and Node.

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { fileURLToPath } from "node:url";
import {
  accept,
  type Accepted,
  answer,
  basicAuth,
  type ByteConnection,
  HandshakeError,
  isUpgrade,
  readRequest,
  WebSocketError,
  writeResponse,
} from "../../mod.ts";

/** Where to serve, and until when. */
export interface ServeOptions {
  /** @default {"127.0.0.1"} */
  hostname?: string | undefined;
  /** 0 takes a free one. */
  port?: number | undefined;
  /** Stops the server: nothing new comes in, WebSockets are closed with 1001. */
  signal?: AbortSignal | undefined;
}

/** A server that runs. */
export interface Server {
  readonly hostname: string;
  readonly port: number;
  readonly url: string;
  /** Resolves once the server was stopped and its last connection is closed. */
  readonly finished: Promise<void>;
}

/** Who may see `/private`. */
const DEMO = { user: "demo", password: "handfast" };

/** Serves the demonstration. */
export async function serve(options: ServeOptions = {}): Promise<Server> {
  const { hostname = "127.0.0.1", port = 8080, signal = new AbortController().signal } = options;
  const respond = router(await readFile(fileURLToPath(import.meta.resolve("./one_port.html")), "utf8"));
  const connections = new Set<Promise<void>>();
  const listener = await listen({ hostname, port }, (conn) => {
    const connection = converse(conn, respond, signal).catch((error) => {
      // A peer that leaves or misbehaves is its own matter; anything else is a mistake in here
      const isPeers = error instanceof HandshakeError || error instanceof WebSocketError;
      if (!isPeers && !signal.aborted) console.error(error);
    });
    connections.add(connection);
    connection.then(() => connections.delete(connection));
  });
  const finished = (async () => {
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    await listener.close();
    await Promise.all(connections);
  })();
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  return { hostname, port: listener.port, url: `http://${host}:${listener.port}/`, finished };
}

type Respond = (request: Request) => Promise<Response>;

/** One connection, from its first request to its end. */
async function converse(conn: ByteConnection, respond: Respond, signal: AbortSignal): Promise<void> {
  let prefix = new Uint8Array() as Uint8Array;
  for (let isOpen = true; isOpen;) {
    let read;
    try {
      read = await readRequest(conn, { prefix, signal });
    } catch (error) {
      if (!(error instanceof HandshakeError) || !error.response) throw error;
      await writeResponse(conn, error.response);
      return;
    }
    if (!read) return;
    const { request, rest } = read;
    if (isUpgrade(request) && pathOf(request) === "/echo") {
      return await echo(await accept(conn, { request, prefix: rest, protocols: ["echo"], signal }), request, signal);
    }
    // A proxy in front may believe that every upgrade succeeds: what follows a refused one is not read as a request
    const keepAlive = read.keepAlive && !isUpgrade(request);
    isOpen = await writeResponse(conn, await respond(request), { request, keepAlive });
    prefix = rest;
  }
}

/** Tells how the handshake went, then sends back whatever comes. */
async function echo(socket: Accepted, request: Request, signal: AbortSignal): Promise<void> {
  const stop = () => void socket.close({ closeCode: 1001, reason: "The server stops" });
  signal.addEventListener("abort", stop);
  try {
    socket.send(JSON.stringify({
      request: [`${request.method} ${socket.request.target} HTTP/1.1`, ...fieldLines(request.headers)],
      response: ["HTTP/1.1 101 Switching Protocols", ...fieldLines(socket.response.headers)],
    }));
    // While the peer does not read, send() gives a promise, and nothing more is read either
    await socket.receive((message) => socket.send(message));
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Cookies are shared by all ports of a host: another application's are not for this page to see. */
const SECRET = new Set(["authorization", "cookie"]);

function fieldLines(headers: Headers): string[] {
  return [...headers].map(([name, value]) => `${name}: ${SECRET.has(name) ? "(not shown)" : value}`);
}

/** The plain HTTP half. */
function router(page: string): Respond {
  const askPassword = basicAuth({ realm: "the demonstration", users: { [DEMO.user]: DEMO.password } });
  const routes: Readonly<Record<string, (request: Request) => Response | Promise<Response>>> = {
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
    try {
      return await route(request);
    } catch (error) {
      console.error(error);
      return content("The server failed.\n", {}, 500);
    }
  };
}

/** A response that says its length, so that HEAD does too. */
function content(body: string, fields: Record<string, string> = {}, status = 200): Response {
  const bytes = new TextEncoder().encode(body);
  const headers = { "content-type": "text/plain; charset=utf-8", "content-length": String(bytes.length), ...fields };
  return new Response(bytes, { status, headers });
}

function pathOf(request: Request): string {
  return new URL(request.url).pathname;
}

/** Where to listen. */
interface Address {
  readonly hostname: string;
  readonly port: number;
}

/** A listener, whatever the runtime. */
interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens with the sockets that the runtime is fast with. */
async function listen(address: Address, connected: (conn: ByteConnection) => void): Promise<Listener> {
  if ("Deno" in globalThis) return listenOnDeno(address, connected);
  if ("Bun" in globalThis) return await listenOnBun(address, connected);
  return await listenOnNode(address, connected);
}

function listenOnDeno(address: Address, connected: (conn: ByteConnection) => void): Listener {
  const listener = Deno.listen(address);
  let isOpen = true;
  const accepting = (async () => {
    while (isOpen) {
      try {
        connected(await listener.accept());
      } catch (error) {
        // A client that has already gone fails here, and so does a process that is out of file descriptors: neither is
        // a reason to stop, and only for the other is it of use to wait
        const hasGone = error instanceof Deno.errors.NotConnected;
        if (isOpen && !hasGone) await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  })();
  const close = () => {
    isOpen = false;
    listener.close();
    return accepting;
  };
  return { port: listener.addr.port, close };
}

async function listenOnBun(address: Address, connected: (conn: ByteConnection) => void): Promise<Listener> {
  const { listen } = await import("../../src/bun.ts");
  const listener = listen(address), { addr } = listener;
  const accepting = (async () => {
    for await (const conn of listener) connected(conn);
  })();
  const close = () => {
    listener.close();
    return accepting;
  };
  return { port: addr.transport === "tcp" ? addr.port : 0, close };
}

async function listenOnNode({ hostname, port }: Address, connected: (conn: ByteConnection) => void): Promise<Listener> {
  const { createServer } = await import("node:net");
  const { fromSocket } = await import("../../src/node.ts");
  const server = createServer((socket) => connected(fromSocket(socket)));
  server.listen(port, hostname);
  await once(server, "listening");
  const close = async () => {
    server.close();
    await once(server, "close");
  };
  return { port: (server.address() as AddressInfo).port, close };
}

// Node has import.meta.main from 24.2 on
if (import.meta.main ?? process.argv[1] === fileURLToPath(import.meta.url)) {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());
  const hostname = process.env.HOST || "127.0.0.1", port = Number(process.env.PORT || 8080);
  try {
    const { url, finished } = await serve({ hostname, port, signal: stop.signal });
    console.log(`Serving ${url} (Ctrl-C ends)`);
    console.log(`${url}private asks for a user name and a password: ${DEMO.user}, ${DEMO.password}`);
    await finished;
  } catch (error) {
    console.error(`Cannot serve on ${hostname}, port ${process.env.PORT || 8080}: ${error}`);
    process.exitCode = 1;
  }
}
