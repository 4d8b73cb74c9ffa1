// One owner at a time: what the pull, the push and the memory transport have in common.

import { assertEquals } from "@std/assert";
import { MemoryTransport } from "../../src/testing/memory_transport.ts";
import type { OwnedTransport } from "../../src/transport/owned_transport.ts";
import { PullTransport } from "../../src/transport/pull_transport.ts";
import { PushTransport } from "../../src/transport/push_transport.ts";
import { test } from "../kit/harness.ts";
import { settled } from "../kit/raw_peer.ts";
import { owned } from "./owner.ts";

/** A transport whose peer ends, or is lost with an error, when the test says so. */
interface Subject {
  readonly transport: OwnedTransport;
  end(): void;
  lose(error: Error): void;
}

function pullSubject(): Subject {
  const read = Promise.withResolvers<undefined>(), done = Promise.resolve();
  const transport = new PullTransport({
    read: () => read.promise,
    chunkOf: () => undefined,
    write: ({ length }) => Promise.resolve(length),
    end: () => done,
    close() {},
    release() {},
  });
  return { transport, end: () => read.resolve(undefined), lose: read.reject };
}

function pushSubject(): Subject {
  const transport = new PushTransport({ pause() {}, resume() {}, write: () => true, end() {}, close() {} });
  return { transport, end: () => transport.onEnd(), lose: (error) => transport.onLost(error) };
}

function memorySubject(): Subject {
  const options = { chunkSize: Infinity, highWaterMark: 1, delay: 0, clock: undefined, fault: undefined };
  const transport = new MemoryTransport(options), peer = new MemoryTransport(options);
  transport.join(peer);
  return { transport, end: () => peer.end(), lose: (error) => peer.reset(error) };
}

const SUBJECTS: readonly [name: string, make: () => Subject][] = [
  ["PullTransport", pullSubject],
  ["PushTransport", pushSubject],
  ["MemoryTransport", memorySubject],
];

for (const [name, make] of SUBJECTS) {
  test(`${name} is in use from start() to release() or abort()`, () => {
    const { transport } = make();
    assertEquals(transport.inUse, false);
    owned(transport);
    assertEquals(transport.inUse, true);
    transport.release();
    assertEquals(transport.inUse, false);
    owned(transport);
    transport.abort();
    assertEquals(transport.inUse, false);
  });

  test(`${name} starts paused, and tells each owner once that the peer has half-closed`, async () => {
    const { transport, end } = make();
    end();
    for (let round = 0; round < 2; round++) {
      const { log } = owned(transport);
      await settled();
      assertEquals(log, []);
      for (let i = 0; i < 2; i++) {
        transport.resume();
        await settled();
      }
      assertEquals(log, ["end"]);
      transport.pause();
      transport.release();
    }
  });

  test(`${name} tells its owner of a loss once, and the next owner that it is closed`, async () => {
    const { transport, lose } = make(), { log } = owned(transport);
    transport.resume();
    lose(new Error("Reset"));
    await settled();
    transport.resume();
    await settled();
    assertEquals([log, transport.inUse], [["failed: Reset"], false]);
    const next = owned(transport);
    await settled();
    assertEquals(next.log.length, 1);
  });

  test(`${name} that is closed tells nobody inside start(), and only its last owner`, async () => {
    const { transport } = make();
    transport.abort();
    const first = owned(transport), second = owned(transport);
    assertEquals(second.log, []);
    await settled();
    assertEquals([first.log, second.log], [[], ["failed: The connection was closed"]]);
    const third = owned(transport);
    transport.release();
    await settled();
    assertEquals(third.log, []);
  });
}

for (const [name, make] of SUBJECTS.slice(1)) {
  test(`${name} that was lost without an owner tells the next one by what`, async () => {
    const { transport, lose } = make();
    lose(new Error("Reset"));
    const { log } = owned(transport);
    await settled();
    assertEquals(log, ["failed: Reset"]);
  });
}
