// Chromium with a page over HTTP/2: its WebSockets are streams of the connection that the page came by (RFC 8441).

import { assertEquals } from "@std/assert";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { serve } from "../../mod.ts";
import { CHROMIUM_ARGS } from "../kit/chromium.ts";
import { program, test } from "../kit/harness.ts";
import { pem } from "../kit/serving.ts";

const PATIENCE = 30_000;

/** What the page does: opens a WebSocket of each class, and tells what came by them. */
const SCRIPT = `(async () => {
  const url = location.href.replace("https", "wss") + "chat";
  const socket = new WebSocket(url, ["chat"]);
  const next = (name) => new Promise((resolve, reject) => {
    socket.addEventListener(name, resolve, { once: true });
    if (name !== "close") socket.addEventListener("error", reject, { once: true });
  });
  const [{ data: request }] = await Promise.all([next("message")]);
  socket.send("x".repeat(100000));
  const echo = (await next("message")).data.length;
  socket.close(3001, "done");
  const { code, wasClean } = await next("close");
  const stream = new WebSocketStream(url, { protocols: ["chat"] });
  const { readable, writable, protocol } = await stream.opened;
  const reader = readable.getReader(), writer = writable.getWriter();
  const { value: again } = await reader.read();
  await writer.write(new Uint8Array(70000));
  const { value: bytes } = await reader.read();
  stream.close({ closeCode: 3002 });
  const { closeCode } = await stream.closed;
  return { request, echo, code, wasClean, protocol, again, bytes: bytes.byteLength, closeCode };
})()`;

async function visit(flags: readonly string[]): Promise<unknown> {
  const server = await serve({
    port: 0,
    http2: true,
    protocols: ["chat"],
    compression: true,
    cert: await pem("localhost"),
    key: await pem("localhost.key"),
  }, {
    async socket(socket) {
      const { request, remoteAddr } = socket;
      socket.send(JSON.stringify([request.method, request.protocol ?? null]));
      ports.add(remoteAddr?.transport === "tcp" ? remoteAddr.port : undefined);
      await socket.receive((message) => socket.send(message));
    },
    http(_, { remoteAddr }) {
      ports.add(remoteAddr?.transport === "tcp" ? remoteAddr.port : undefined);
      return new Response("<!doctype html><title>A page</title>", { headers: { "content-type": "text/html" } });
    },
  });
  const ports = new Set<number | undefined>();
  const profile = await mkdtemp(join(tmpdir(), "chromium-"));
  try {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: program("chromium")!,
      headless: true,
      ignoreHTTPSErrors: true,
      args: [...CHROMIUM_ARGS, ...flags],
    });
    const deadline = setTimeout(() => context.close(), PATIENCE);
    try {
      const page = context.pages()[0] ?? await context.newPage();
      await page.goto(server.url!.replace("127.0.0.1", "localhost"));
      const seen = await page.evaluate(SCRIPT) as object;
      return { ...seen, isOneConnection: ports.size === 1 };
    } finally {
      clearTimeout(deadline);
      await context.close();
    }
  } finally {
    await server.shutdown({ within: 1000 });
    await rm(profile, { recursive: true });
  }
}

const expected = (request: string, isOneConnection: boolean) => ({
  ...{ request, echo: 100_000, code: 3001, wasClean: true, protocol: "chat" },
  ...{ again: request, bytes: 70_000, closeCode: 3002, isOneConnection },
});

test(
  "Chromium's WebSocket and WebSocketStream share the connection of a page over HTTP/2 (RFC 8441 §5)",
  { needs: "chromium" },
  async () => assertEquals(await visit([]), expected('["CONNECT","websocket"]', true)),
);

test(
  "Chromium's WebSocket and WebSocketStream beside a page over HTTP/1.1 from the same port (RFC 9113 §3.2)",
  { needs: "chromium" },
  async () => assertEquals(await visit(["--disable-http2"]), expected('["GET",null]', false)),
);
