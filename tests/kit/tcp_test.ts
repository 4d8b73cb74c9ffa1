// The sockets that other tests stand on: that they show what happens on the wire.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "./harness.ts";
import { dialRaw, type Listener, listenRaw, type RawConn } from "./tcp.ts";

async function pair(): Promise<[RawConn, RawConn]> {
  using listener = await listenRaw();
  return await Promise.all([dialRaw(listener.port), listener.accept()]);
}

const codeOf = (error: unknown) => (error as { code?: unknown }).code;

/** Both ends of a connection in either order. */
for (const turned of [false, true]) {
  const ends = async () => turned ? (await pair()).reverse() : await pair();
  const end = turned ? "the accepted end" : "the dialling end";

  test(`by hand ${end} is read as much as fits`, async () => {
    const [here, there] = await ends() as [RawConn, RawConn];
    using _here = here, _there = there;
    await here.write(Uint8Array.of(1, 2, 3, 4, 5));
    const into = new Uint8Array(3);
    assertEquals([await there.read(into), ...into], [3, 1, 2, 3]);
    assertEquals([await there.read(into), ...into.subarray(0, 2)], [2, 4, 5]);
  });

  test(`by hand ${end} half-closes, and is still answered`, async () => {
    const [here, there] = await ends() as [RawConn, RawConn];
    using _here = here, _there = there;
    await here.closeWrite();
    assertEquals(await there.read(new Uint8Array(1)), null);
    await there.write(Uint8Array.of(1));
    assertEquals(await here.read(new Uint8Array(2)), 1);
    await there.closeWrite();
    assertEquals(await here.read(new Uint8Array(1)), null);
  });

  test(`by hand a reset by ${end} is an error for whoever reads`, async () => {
    const [here, there] = await ends() as [RawConn, RawConn];
    using _there = there;
    here.reset();
    assertEquals(codeOf(await assertRejects(() => there.read(new Uint8Array(1)))), "ECONNRESET");
  });

  test(`by hand ${end} is an error for whoever writes to it once it is gone`, async () => {
    const [here, there] = await ends() as [RawConn, RawConn];
    using _there = there;
    here.close();
    // The first write is answered by a reset
    await assertRejects(async () => {
      for (;;) {
        await there.write(Uint8Array.of(1));
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    });
  });

  test(`by hand a write to ${end} waits when that does not read`, async () => {
    const [here, there] = await ends() as [RawConn, RawConn];
    using _here = here;
    let written = 0;
    const piece = new Uint8Array(65536);
    const writing = (async () => {
      for (let i = 0; i < 1024; i++) {
        await there.write(piece);
        written += piece.length;
      }
    })();
    let turns = 0;
    for (let last = -1; turns < 200; turns++) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (written !== last) turns = 0;
      last = written;
    }
    assert(written < 2 ** 23, `${written} bytes were written`);
    there.close();
    await assertRejects(() => writing);
  });

  test(`by hand ${end} can't be read once it was closed`, async () => {
    const [here, there] = await ends() as [RawConn, RawConn];
    using _there = there;
    const reading = here.read(new Uint8Array(1));
    here.close();
    await assertRejects(() => reading);
    await assertRejects(() => here.read(new Uint8Array(1)));
  });
}

test("a listener's connections end when it is closed", async () => {
  const listener: Listener<RawConn> = await listenRaw();
  const counting = (async () => {
    let count = 0;
    for await (const conn of listener) {
      conn.close();
      if (++count === 2) listener.close();
    }
    return count;
  })();
  for (let i = 0; i < 2; i++) (await dialRaw(listener.port)).close();
  assertEquals(await counting, 2);
  await assertRejects(() => listener.accept());
});
