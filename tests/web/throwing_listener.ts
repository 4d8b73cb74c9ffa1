// A program with a listener that throws. It prints what is reported, what others hear, and how it ends; in a process of its
// own, for a test runner takes what is reported for itself.

import process from "node:process";
import { accept } from "../../mod.ts";
import { connectionPair } from "../../src/testing.ts";
import { WebSocket } from "../../src/websocket.ts";

const lines: string[] = [];
const report = (error: unknown) => void lines.push(`reported ${(error as Error).message}`);
if ("Deno" in globalThis) {
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    report((event as ErrorEvent).error);
  });
} else process.on("uncaughtException", report);

const [conn, far] = connectionPair(), socket = new WebSocket("ws://localhost/", [], { conn });
socket.onmessage = ({ data }) => {
  if (data === "b") throw new Error("mine");
  setTimeout(() => accepted.send("b"), 0);
  // From the second message on the handler is not the only one
  socket.addEventListener("message", ({ data }) => {
    lines.push(`heard ${data}`);
    setTimeout(() => socket.close(3000), 0);
  });
  throw new Error("mine");
};
socket.onclose = ({ code }) => {
  lines.push(`closed ${code}`);
  console.log(lines.sort().join("\n"));
};
const accepted = await accept(far);
accepted.send("a");
await accepted.receive();
