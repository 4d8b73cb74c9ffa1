import { assertEquals, assertThrows } from "@std/assert";
import { transportOf } from "../../src/runtime/choose.ts";
import { connectionPair } from "../../src/testing.ts";
import type { ByteConnection } from "../../src/transport/transport.ts";
import { test } from "../kit/harness.ts";
import { settled } from "../kit/raw_peer.ts";
import { owned } from "../transport/owner.ts";

test("transportOf() a pair of streams that fails closes both of them", async () => {
  let cancelled = false, aborted = false;
  const conn = {
    readable: new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue("no bytes" as unknown as Uint8Array),
      cancel: () => void (cancelled = true),
    }),
    writable: new WritableStream<Uint8Array>({ abort: () => void (aborted = true) }),
  };
  const transport = transportOf(conn), told = owned(transport);
  transport.resume();
  await settled();
  assertEquals([told.log, cancelled, aborted], [
    ["failed: Cannot read the connection: a chunk is no Uint8Array"],
    true,
    true,
  ]);
});

test("transportOf() refuses what is no pair, and what is locked", () => {
  for (const conn of [null, undefined, 5, {}, { readable: 1, writable: 2 }, { readable: new ReadableStream() }]) {
    assertThrows(() => transportOf(conn as ByteConnection), TypeError, "pair");
  }
  for (const side of ["readable", "writable"] as const) {
    for (const isPlain of [false, true]) {
      const [end] = connectionPair(), conn = isPlain ? { readable: end.readable, writable: end.writable } : end;
      if (side === "readable") conn.readable.getReader();
      else conn.writable.getWriter();
      assertThrows(() => transportOf(conn), TypeError, "locked");
    }
  }
});
