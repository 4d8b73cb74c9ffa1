// An echo by serve(), over real TCP sockets, against a client that shares nothing with it: every case of every family.

import { serve } from "../../mod.ts";
import { test } from "../kit/harness.ts";
import { portOf } from "../kit/tcp.ts";
import { families, run, table } from "./suite.ts";

/** How long the server may take, in milliseconds, to give up its last connections once every client has left. */
const DEADLINE = 5_000;

async function within(milliseconds: number, serving: Promise<unknown>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const held = new Error(`The server still holds a connection after ${milliseconds} ms`);
  const timer = setTimeout(() => reject(held), milliseconds);
  try {
    await Promise.race([serving, promise]);
  } finally {
    clearTimeout(timer);
  }
}

for (const [name, cases] of Object.entries(families)) {
  test(`conformance: ${name} (${cases.length} cases)`, async () => {
    const echoing: Promise<void>[] = [];
    // Most cases end badly on purpose; what the client saw is what counts
    await using server = await serve({ port: 0, compression: { threshold: 0 }, onError() {} }, (socket) => {
      echoing.push(socket.receive((message) => socket.send(message)).then(() => {}, () => {}));
    });
    try {
      const failures = await run(portOf(server), cases, 1);
      if (failures.length > 0) {
        throw new Error(`${failures.length} of ${cases.length} cases failed\n${table(failures)}`);
      }
    } finally {
      await within(DEADLINE, Promise.all(echoing));
    }
  });
}
