// One class as a client, in a process of its own: connections that keep so many messages on their way. Prints how many came
// back, and the CPU time that they took.
//
//   load.ts ours|own|undici PORT SIZE DEPTH CONNECTIONS SECONDS text|binary

import process from "node:process";

/** What the classes have in common. */
interface Socket {
  binaryType: string;
  onopen: ((event: never) => unknown) | null;
  onmessage: ((event: { data: string | ArrayBuffer }) => unknown) | null;
  onerror: ((event: never) => unknown) | null;
  send(message: string | Uint8Array<ArrayBuffer>): void;
}

/** From where each class comes. */
const CLASSES: Readonly<Record<string, () => Promise<unknown>>> = {
  ours: async () => (await import("../../src/websocket.ts")).WebSocket,
  own: () => Promise.resolve(globalThis.WebSocket),
  // By its path: under Bun the name "undici" stands for something of its own
  undici: async () => (await import("../../node_modules/undici/index.js")).default.WebSocket,
};

const [name = "", ...args] = process.argv.slice(2), kind = args.pop();
const [port, size = 0, depth = 1, connections = 1, seconds = 1] = args.map(Number);
const WebSocket = await CLASSES[name]!() as new (url: string) => Socket;
const message = kind === "text" ? "a".repeat(size) : new Uint8Array(size).fill(97);
let count = 0;

async function open(): Promise<Socket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
  socket.binaryType = "arraybuffer";
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error("It does not open"));
  });
  socket.onmessage = ({ data }) => {
    if ((typeof data === "string" ? data.length : data.byteLength) !== size) {
      throw new Error("Another message came back");
    }
    count++;
    socket.send(message);
  };
  return socket;
}

const wait = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

const sockets = await Promise.all(Array.from({ length: connections }, open));
for (const socket of sockets) for (let i = 0; i < depth; i++) socket.send(message);
await wait(seconds / 2); // until it is warm
const before = process.cpuUsage(), countBefore = count;
await wait(seconds);
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify({ count: count - countBefore, cpu: (user + system) / 1e6 }));
process.exit(0);
