// Ours against raw sockets over TCP, by each of the ways to a connection; and peers whose process ends.

import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { type Accepted, WebSocketError } from "../../mod.ts";
import { handlingAll, test } from "../kit/harness.ts";
import { UPGRADE } from "./sockets/common.ts";
import { DOORS } from "./sockets/doors.ts";
import { testRefusals } from "./sockets/refusals.ts";
import { testConnection } from "./sockets/suite.ts";

for (const door of DOORS) {
  testConnection(door);
  testRefusals(door);
}

/** Opens a WebSocket in a process of its own, and says so once it goes on as told. */
const client = (port: number, flushLater: string) => `
  const { writeSync } = require("node:fs");
  const socket = require("node:net").connect(${port}, "127.0.0.1", () => socket.write(${JSON.stringify(UPGRADE)}));
  socket.once("data", () => {
    writeSync(1, "open");
    ${flushLater}
  });`;

/** Rows: what the killed process was doing; with unread bytes its kernel resets the connection, otherwise it ends it. */
const killed = [
  { name: "reads", flushLater: `socket.on("data", () => {});`, code: undefined },
  {
    name: "has stopped",
    flushLater: "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);",
    code: "ECONNRESET",
  },
];

for (const door of DOORS) {
  for (const { name, flushLater, code } of killed) {
    test(`a connection on ${door.name} ends with 1006 when the process of a peer that ${name} is killed`, async () => {
      const accepted = Promise.withResolvers<Accepted>();
      // With no byte allowed to wait, the promise says that all have been written
      await using server = await door.serve({ highWaterMark: 0 }, (socket) => accepted.resolve(socket));
      const args = ["-e", client(server.port, flushLater)];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
      const exited = once(child, "exit"), open = once(child.stdout, "data");
      await handlingAll(async () => {
        const ours = await accepted.promise;
        await open;
        const received = ours.receive(() => {});
        await ours.send("message");
        child.kill("SIGKILL");
        const error = await assertRejects(() => received, WebSocketError);
        assertEquals([error.failure, error.closeCode], ["connection-lost", 1006]);
        if (code) assertEquals((error.cause as { code?: unknown }).code, code, `${error.cause}`);
        assertStrictEquals(await assertRejects(() => ours.closed), error);
      });
      await exited;
    });
  }
}
