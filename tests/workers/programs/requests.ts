// A Worker whose connections wait for a byte each, and are WebSockets from then on. What each of them computes meanwhile
// keeps the others waiting, so that these go on one right behind the other, before a timer of any of them comes.

import { attach } from "../../../mod.ts";

const ROUNDS = 5e6;

/** Takes some milliseconds of the one thread there is. */
function compute(): number {
  let value = 1;
  for (let i = 0; i < ROUNDS; i++) value = Math.imul(value, 48271) ^ i;
  return value;
}

export default {
  async connect(conn: Parameters<typeof attach>[0]): Promise<void> {
    const reader = conn.readable.getReader();
    await reader.read();
    reader.releaseLock();
    const socket = attach(conn, { role: "server", protocol: "", extensions: "" });
    socket.send(`${compute()}`);
    await socket.closed; // nobody takes its messages: it begins to read by itself
  },
};
