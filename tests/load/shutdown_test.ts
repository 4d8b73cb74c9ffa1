// A server that is told to stop, in a process of its own: everybody who answers sees 1001, who does not is dropped, and the
// process ends by itself. shutdown.ts tries it with a thousand, and with times.

import { assertEquals } from "@std/assert";
import process from "node:process";
import { test } from "../kit/harness.ts";
import { RUNTIME } from "./program.ts";
import { stopLoaded } from "./shutdown.ts";

for (const spread of [0, 300]) {
  test(`SIGTERM with 100 clients, 3 of them deaf: 1001 for the others, over ${spread} ms, then the process ends`, async () => {
    const load = { connections: 100, deaf: 3, within: 1000, spread };
    const { codes, exit } = await stopLoaded(RUNTIME.toLowerCase(), [process.execPath], load);
    assertEquals([codes, exit.code, exit.signal], [{ 1001: 97 }, 0, null]);
  });
}
