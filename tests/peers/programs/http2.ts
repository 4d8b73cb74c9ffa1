// A server and a client over HTTP/2 on whichever runtime runs this: `serve [--tls CERT KEY]` says on which port it listens
// and goes on until its input ends; `connect URL [--ca CA]` plays through what there is, and says what came of it.

import { readFileSync } from "node:fs";
import process from "node:process";
import { connect, HandshakeError, serve } from "../../../mod.ts";

const [role, ...args] = process.argv.slice(2);
const read = (path: string | undefined) => readFileSync(path!, "utf8");
const after = (flag: string) => args.includes(flag) ? args.slice(args.indexOf(flag) + 1) : undefined;

const pathOf = (url: string) => new URL(url).pathname;

/** Ends with the input. */
async function runServer(): Promise<void> {
  const [cert, key] = after("--tls") ?? [];
  const server = await serve({
    port: 0,
    http2: true,
    protocols: ["chat"],
    compression: true,
    closeTimeout: 1000,
    ...(cert !== undefined && { cert: read(cert), key: read(key) }),
    authorize: ({ url }) => pathOf(url) === "/refused" ? new Response("Not here\n", { status: 403 }) : undefined,
  }, {
    socket(socket) {
      if (pathOf(socket.request.url) === "/unread") return;
      return socket.receive((message) => socket.send(message)).catch(() => {}); // some are aborted
    },
    http: ({ url }) => new Response(`This is ${pathOf(url)}\n`),
  });
  if (server.addr.transport === "unix") throw new Error("It listens on a port");
  console.log(`listening ${server.addr.port}`);
  process.stdin.resume();
  process.stdin.on("end", () => void server.shutdown({ within: 1000 }));
  await server.finished;
}

const SIZE = 16 * 1024;

async function runClient(): Promise<void> {
  const url = args[0]!, [ca] = after("--ca") ?? [];
  const options = { http2: true, ...(ca !== undefined && { caCerts: [read(ca)] }) } as const;
  const socket = await connect(url, { ...options, protocols: ["other", "chat"], compression: true });
  const { protocol, response: { status } } = socket, isDeflated = socket.deflate !== undefined;
  const reader = socket.readable.getReader();
  const large = Uint8Array.from({ length: 2 ** 20 }, (_, i) => i * 31 >> 3);
  let echoes = 0;
  for (const message of ["grüße 👋", "", Uint8Array.of(0, 255, 1), large, "word ".repeat(50_000)]) {
    socket.send(message);
    const { value } = await reader.read();
    const isSame = typeof value === "string" || typeof message === "string"
      ? value === message
      : value!.length === message.length && value!.every((byte, i) => byte === message[i]);
    if (isSame) echoes++;
  }
  const { closeCode } = await socket.close({ closeCode: 3007 });
  const refusal = await connect(`${url}refused`, options).then(() => undefined, (error: unknown) => error);
  const refused = refusal instanceof HandshakeError && [refusal.response?.status, await refusal.response?.text()];
  const unread = await connect(`${url}unread`, { ...options, protocols: ["chat"], highWaterMark: SIZE });
  const taken = await fill(unread);
  unread.abort();
  const outcome = { status, protocol, isDeflated, echoes, closeCode, refused, isHeldBack: taken <= 256 * 1024 };
  console.log(JSON.stringify(outcome));
  if (!outcome.isHeldBack) console.error(`${taken} bytes were taken`);
}

/** Sends until nothing more is taken, and gives how much was. */
async function fill(socket: Awaited<ReturnType<typeof connect>>): Promise<number> {
  let sent = 0, idle = 0;
  while (idle < 100 && sent < 2 ** 22) {
    if (socket.bufferedAmount < SIZE) {
      socket.send(new Uint8Array(SIZE));
      sent += SIZE;
      idle = 0;
    } else idle++;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return sent - socket.bufferedAmount;
}

await (role === "serve" ? runServer() : runClient());
