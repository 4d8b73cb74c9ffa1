// A message longer than what its processes may take for it, through an echo server, in pieces there and back.

import { assert, assertEquals } from "@std/assert";
import { test } from "../kit/harness.ts";
import { passHuge } from "./huge.ts";

const MIB = 2 ** 20, SIZE = 128 * MIB;

for (const kind of ["binary", "text"] as const) {
  for (const isCompressed of [false, true]) {
    const way = isCompressed ? "compressed" : "plain";
    test(`${SIZE / MIB} MiB of ${way} ${kind} come back the same, within 64 MiB above the start (RFC 6455 §5.4)`, async () => {
      const { passed, server, client } = await passHuge({ size: SIZE, timed: 0, rounds: 0, kind, isCompressed });
      assertEquals(passed.received, passed.sent);
      assert(passed.count > SIZE / 2);
      for (const [name, more] of Object.entries({ server, client })) {
        assert(more <= 64 * MIB, `the ${name} took ${(more / MIB).toFixed(1)} MiB more`);
      }
    });
  }
}
