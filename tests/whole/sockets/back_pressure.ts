// Back-pressure, with a kernel in between.

import { createHash } from "node:crypto";
import { assert, assertEquals } from "@std/assert";
import type { WebSocketConnection } from "../../../mod.ts";
import { test } from "../../kit/harness.ts";
import { chunksOf, headerOf, KIB, standstill } from "./common.ts";
import type { Door } from "./doors.ts";

/** 64 MiB in messages of 64 KiB, each told from the others. */
const COUNT = 1024, SIZE = 64 * KIB;

function messageOf(index: number): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(SIZE).fill(index);
  new DataView(message.buffer).setUint32(0, index);
  return message;
}

/** The digest of all messages behind each other, each behind what stands before it on the wire. */
function digestOf(before: Uint8Array): string {
  const hash = createHash("sha1");
  for (let i = 0; i < COUNT; i++) hash.update(before).update(messageOf(i));
  return hash.digest("hex");
}

/** Rows: readers that take one message, then nothing until they are let go on; each gives the digest of all. */
const readers: Readonly<Record<string, (ours: WebSocketConnection, goOn: Promise<void>) => Promise<string>>> = {
  "the streams": async (ours, goOn) => {
    const hash = createHash("sha1");
    const reader = ours.readable.getReader();
    for (let i = 0; i < COUNT; i++) {
      hash.update((await reader.read()).value!);
      if (i === 0) await goOn;
    }
    return hash.digest("hex");
  },
  "receive()": async (ours, goOn) => {
    const hash = createHash("sha1");
    const done = Promise.withResolvers<void>();
    let count = 0;
    ours.receive((message) => {
      hash.update(message);
      if (++count === COUNT) done.resolve();
      return count === 1 ? goOn : undefined;
    });
    await done.promise;
    return hash.digest("hex");
  },
};

/** Rows: senders that wait for room. */
const senders: Readonly<Record<string, (ours: WebSocketConnection) => (message: Uint8Array<ArrayBuffer>) => unknown>> =
  {
    "writer.ready": (ours) => {
      const writer = ours.writable.getWriter();
      return async (message) => {
        await writer.ready;
        writer.write(message).catch(() => {});
      };
    },
    "the promise of send()": (ours) => (message) => ours.send(message),
  };

/** Registers that who does not read stops who writes, and that nothing is lost by it. */
export function testBackPressure(door: Door): void {
  for (const [name, read] of Object.entries(readers)) {
    test(`a reader by ${name} on ${door.name} that stops stops its peer`, async () => {
      await using pair = await door.open("server");
      const { peer, ours } = pair;
      const going = Promise.withResolvers<void>();
      const reading = read(ours, going.promise);
      const header = headerOf(SIZE, "client");
      let written = 0;
      const writing = (async () => {
        for (let i = 0; i < COUNT; i++) {
          await peer.write(header);
          await peer.write(messageOf(i));
          written += SIZE;
        }
      })();
      const stalled = await standstill(() => written);
      assert(stalled < door.bound, `${stalled} bytes were taken from a peer that nobody reads`);
      going.resolve();
      await writing;
      assertEquals(await reading, digestOf(new Uint8Array()));
    });
  }

  for (const [name, sender] of Object.entries(senders)) {
    test(`a writer on ${door.name} that waits for ${name} is stopped by a peer that does not read`, async () => {
      await using pair = await door.open("server");
      const { peer, ours } = pair;
      const send = sender(ours);
      let sent = 0;
      const sending = (async () => {
        for (let i = 0; i < COUNT; i++) {
          await send(messageOf(i));
          sent += SIZE;
        }
      })();
      const stalled = await standstill(() => sent);
      assert(stalled < door.bound, `${stalled} bytes were taken for a peer that does not read`);
      const header = headerOf(SIZE, "server");
      const hash = createHash("sha1");
      let left = COUNT * (header.length + SIZE);
      for await (const chunk of chunksOf(peer)) {
        hash.update(chunk);
        left -= chunk.length;
        if (left <= 0) break;
      }
      await sending;
      assertEquals([left, hash.digest("hex")], [0, digestOf(header)]);
    });
  }
}
