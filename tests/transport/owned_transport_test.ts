// One owner at a time: what the pull, the push and the memory transport have in common.

import { assertEquals } from "@std/assert";
import { MemoryTransport } from "../../src/testing/memory_transport.ts";
import type { OwnedTransport } from "../../src/transport/owned_transport.ts";
import { PullTransport } from "../../src/transport/pull_transport.ts";
import { PushTransport } from "../../src/transport/push_transport.ts";
import { handlingAll, latin1, test, text } from "../kit/harness.ts";
import { settled } from "../kit/raw_peer.ts";
import { owned } from "../kit/owner.ts";

/** A transport whose peer ends, or is lost with an error, when the test says so. */
interface Subject {
  readonly transport: OwnedTransport;
  /** Lets one byte arrive. */
  push(char: string): void;
  /** Whether the connection was closed by our side. */
  isClosed(): boolean;
  end(): void;
  lose(error: Error): void;
}

type Bytes = Uint8Array<ArrayBuffer>;

function pullSubject(): Subject {
  let isClosed = false, last: (() => Promise<Bytes | undefined>) | undefined, wake = () => {};
  const arrived: Bytes[] = [], done = Promise.resolve();
  const read = async (): Promise<Bytes | undefined> => {
    while (arrived.length === 0 && !last) await new Promise<void>((resolve) => wake = resolve);
    return arrived.shift() ?? await last!();
  };
  const transport = new PullTransport({
    read,
    chunkOf: (chunk: Bytes | undefined) => chunk,
    write: ({ length }) => Promise.resolve(length),
    end: () => done,
    close: () => void (isClosed = true),
    release() {},
  });
  const finish = (how: () => Promise<Bytes | undefined>) => (last ??= how, wake());
  return {
    transport,
    push: (char) => (arrived.push(latin1(char)), wake()),
    isClosed: () => isClosed,
    end: () => finish(() => Promise.resolve(undefined)),
    lose: (error) => finish(() => Promise.reject(error)),
  };
}

function pushSubject(): Subject {
  let isClosed = false;
  const close = () => void (isClosed = true);
  const transport = new PushTransport({ pause() {}, resume() {}, write: () => true, end() {}, close });
  return {
    transport,
    push: (char) => transport.onData(latin1(char)),
    isClosed: () => isClosed,
    end: () => transport.onEnd(),
    lose: (error) => transport.onLost(error),
  };
}

function memorySubject(): Subject {
  const options = { chunkSize: Infinity, highWaterMark: 1, delay: 0, clock: undefined, fault: undefined };
  const transport = new MemoryTransport(options), peer = new MemoryTransport(options);
  transport.join(peer);
  return {
    transport,
    push: (char) => void peer.write(latin1(char)),
    isClosed: () => transport.isClosed,
    end: () => peer.end(),
    lose: (error) => peer.reset(error),
  };
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

/** What an owner may throw in, and how it comes to be called. */
const THROWERS: readonly [method: "onData" | "onEnd" | "onDrained", call: (subject: Subject) => void][] = [
  ["onData", ({ push }) => push("a")],
  ["onEnd", ({ end }) => end()],
  // A write of two bytes waits in memory, for the peer does not read; the peer then does, or the source says so
  ["onDrained", ({ transport }) => void transport.write(latin1("a"))],
];

for (const [name, make] of SUBJECTS) {
  for (const [method, call] of THROWERS) {
    if (method === "onDrained" && name !== "PullTransport") continue;
    for (const throwsTwice of [false, true]) {
      test(`${name}: an owner whose ${method}() throws${throwsTwice ? ", and onLost() too," : ""} loses its connection, and nothing escapes`, async () => {
        const subject = make(), { transport } = subject, log: string[] = [], error = new Error("The owner has failed");
        const fail = () => {
          log.push("threw");
          throw error;
        };
        await handlingAll(async () => {
          transport.start({
            onData() {},
            onEnd() {},
            onDrained() {},
            onLost(reason) {
              log.push((reason as Error).message);
              if (throwsTwice) throw new Error("twice");
            },
            [method]: fail,
          });
          transport.resume();
          call(subject);
          if (method !== "onEnd") subject.push("b");
          await settled();
        });
        assertEquals([log, subject.isClosed(), transport.inUse], [["threw", "The owner has failed"], true, false]);
        const next = owned(transport);
        await settled();
        assertEquals(next.log, ["failed: The owner has failed"]);
      });
    }
  }

  test(`${name} hands over what has come before it tells a loss, also to an owner that is paused`, async () => {
    const { transport, push, lose } = make(), told = owned(transport);
    told.pauses = true;
    transport.resume();
    push("a");
    await settled();
    push("b");
    if (name === "PullTransport") transport.resume(); // it reads nothing ahead
    lose(new Error("Reset"));
    await settled();
    if (name === "PullTransport") transport.resume();
    await settled();
    assertEquals(told.log, ["a", "b", "failed: Reset"]);
  });

  test(`${name}: only abort() throws away what has come, also inside of the last bytes`, async () => {
    const { transport, push, lose } = make(), got: string[] = [];
    transport.start({
      onData(chunk) {
        got.push(text(chunk));
        transport.abort();
      },
      onEnd: () => got.push("end"),
      onDrained() {},
      onLost: () => got.push("lost"),
    });
    push("a");
    push("b");
    lose(new Error("Reset"));
    transport.resume();
    await settled();
    assertEquals(got, ["a"]);
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
