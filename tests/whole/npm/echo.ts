// A program of a user's who has the package from npm: an echo through every entry that there is for the runtime. It prints
// the entries, and where in the package's sources an error of a call comes from.

import { accept, connect, serve, type WebSocketConnection } from "@handfast/websocket";
import { fromSocket } from "@handfast/websocket/node";
import { Protocol } from "@handfast/websocket/protocol";
import { Rooms } from "@handfast/websocket/rooms";
import { WebSocketStream } from "@handfast/websocket/stream";
import { connectionPair } from "@handfast/websocket/testing";
import { type MessageEvent, WebSocket } from "@handfast/websocket/websocket";
import { type AddressInfo, createServer } from "node:net";

const TEXT = "grüezi", BYTES = new Uint8Array(100_000).fill(7);

/** Sends a text and bytes, compressed, and says whether they came back. */
async function echoes(client: WebSocketConnection): Promise<boolean> {
  client.send(TEXT);
  client.send(BYTES);
  const came: (string | Uint8Array)[] = [];
  for await (const message of client.readable) if (came.push(message) === 2) break;
  const { closeCode } = await client.closed;
  const [text, bytes] = came;
  return text === TEXT && bytes instanceof Uint8Array && bytes.length === BYTES.length &&
    bytes.every((byte) => byte === 7) &&
    client.deflate !== undefined && closeCode === 1005;
}

async function echo(conn: Parameters<typeof accept>[0]): Promise<void> {
  const socket = await accept(conn, { compression: true });
  await socket.receive((message) => socket.send(message));
}

async function inOneCall(): Promise<boolean> {
  const options = { port: 0, compression: true };
  const server = await serve(options, (socket) => socket.receive((message) => socket.send(message)));
  const good = await echoes(await connect(server.url!, { compression: true }));
  await server.shutdown();
  return good;
}

async function overNode(): Promise<boolean> {
  const serving: Promise<void>[] = [];
  const server = createServer((socket) => serving.push(echo(fromSocket(socket))));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const good = await echoes(await connect(`ws://127.0.0.1:${port}/`, { compression: true }));
  await Promise.all(serving);
  await new Promise((resolve) => server.close(resolve));
  return good;
}

async function overBun(): Promise<boolean> {
  const { dial, listen } = await import("@handfast/websocket/bun");
  const listener = listen({ hostname: "127.0.0.1" }), { addr } = listener;
  if (addr.transport !== "tcp") return false;
  const serving = listener.accept().then(echo), conn = await dial({ hostname: "127.0.0.1", port: addr.port });
  const good = await echoes(await connect("ws://localhost/", { conn, compression: true }));
  await serving;
  listener.close();
  return good;
}

async function inRooms(): Promise<boolean> {
  const rooms = new Rooms();
  await rooms.publish("lobby", TEXT);
  const heard = await new Promise((resolve) => {
    void rooms.subscribe("lobby", ({ message }) => resolve(message), { after: 0 });
  });
  await rooms.close();
  return heard === TEXT;
}

async function asStream(): Promise<boolean> {
  const [conn, far] = connectionPair(), serving = echo(far);
  const stream = new WebSocketStream("ws://localhost/", { protocols: [] }, { conn });
  const { readable, writable } = await stream.opened;
  await writable.getWriter().write(TEXT);
  const { value } = await readable.getReader().read();
  stream.close({ closeCode: 1000 });
  await Promise.all([stream.closed, serving]);
  return value === TEXT;
}

async function asClass(): Promise<boolean> {
  const [conn, far] = connectionPair(), serving = echo(far), socket = new WebSocket("ws://localhost/", [], { conn });
  socket.addEventListener("open", () => socket.send(TEXT));
  const { data } = await new Promise<MessageEvent>((resolve) => socket.onmessage = resolve);
  socket.close(1000);
  await serving;
  return data === TEXT;
}

async function inMemory(): Promise<boolean> {
  const [near, far] = connectionPair(), serving = echo(far);
  const good = await echoes(await connect("ws://localhost/", { conn: near, compression: true }));
  await serving;
  return good;
}

function withoutIO(): boolean {
  const came: unknown[] = [], agreed = { protocol: "", extensions: "" };
  const events = { message: (message: unknown) => void came.push(message), close() {}, fail() {} };
  const client = new Protocol({ role: "client", ...agreed }, events);
  const server = new Protocol({ role: "server", ...agreed }, {
    ...events,
    message: (message) => server.send(message),
  });
  client.send(TEXT);
  server.receive(client.take()!);
  client.receive(server.take()!);
  return came[0] === TEXT;
}

const entries = {
  serve: await inOneCall(),
  node: await overNode(),
  rooms: await inRooms(),
  stream: await asStream(),
  testing: await inMemory(),
  websocket: await asClass(),
  protocol: withoutIO(),
};
console.log(JSON.stringify("Bun" in globalThis ? { bun: await overBun(), ...entries } : entries));
await connect("ws://").catch((error: Error) => console.log(/\S+\/src\/\S+\.ts:\d+/.exec(error.stack ?? "")?.[0]));
