// A program with listeners whose promises reject: one of an EventTarget, then ours, one after the other. It prints how each
// is reported; in a process of its own, for a test runner takes what is reported for itself.

import process from "node:process";
import { accept } from "../../mod.ts";
import { connectionPair } from "../../src/testing.ts";
import { type MessageEvent, WebSocket } from "../../src/websocket.ts";

let reported = Promise.withResolvers<string>();
for (const way of ["uncaughtException", "unhandledRejection"]) process.on(way, () => reported.resolve(way));

/** Waits for the report, and prints it. */
async function said(): Promise<void> {
  console.log(await reported.promise);
  reported = Promise.withResolvers();
}

const reject = async () => {
  await undefined;
  throw new Error("mine");
};

const target = new EventTarget();
target.addEventListener("message", reject);
target.dispatchEvent(new Event("message"));
await said();

/** How a message is listened to. */
const WAYS: readonly ((socket: WebSocket, listener: (event: MessageEvent) => unknown) => void)[] = [
  (socket, listener) => socket.onmessage = listener,
  (socket, listener) => socket.addEventListener("message", listener),
  (socket, listener) => {
    socket.onmessage = listener;
    socket.addEventListener("message", () => {});
  },
];
for (const listen of WAYS) {
  const [conn, far] = connectionPair(), socket = new WebSocket("ws://localhost/", [], { conn });
  listen(socket, reject);
  const accepted = await accept(far);
  accepted.send("a");
  await said();
  socket.close();
  await accepted.receive();
}
