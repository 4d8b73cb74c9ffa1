import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { copyOf } from "../../src/base/owned_bytes.ts";
import { dataOf, sizeOf, webMessage } from "../../src/web/web_message.ts";
import { test } from "../kit/harness.ts";

test("what is no string, buffer or Blob becomes a string", () => {
  const buffer = new ArrayBuffer(2), blob = new Blob([]);
  for (const same of ["a", buffer, new Uint8Array(buffer), new DataView(buffer), blob]) {
    assertStrictEquals(webMessage(same), same);
  }
  const rows: [unknown, string][] = [[1, "1"], [null, "null"], [undefined, "undefined"], [{}, "[object Object]"]];
  for (const [data, text] of rows) {
    assertEquals(webMessage(data), text);
  }
  assertEquals(webMessage(new SharedArrayBuffer(1)), "[object SharedArrayBuffer]");
  assertThrows(() => webMessage(Symbol("x")), TypeError);
});

test("a buffer that was transferred has no bytes", () => {
  const buffer = new ArrayBuffer(8),
    view = new Uint8Array(buffer),
    resizable = new ArrayBuffer(0, { maxByteLength: 8 });
  buffer.transfer();
  for (const gone of [buffer, view]) assertEquals(webMessage(gone), new Uint8Array());
  assertStrictEquals(webMessage(resizable), resizable);
});

test("the size of a message is that of its payload", () => {
  const sizes = ["aä€", new Blob(["ab"]), new ArrayBuffer(3), new Uint16Array(2), new DataView(new ArrayBuffer(9), 4)];
  assertEquals(sizes.map(sizeOf), [6, 2, 3, 4, 5]);
});

test("bytes become a Blob, or a buffer of just their length and their own", async () => {
  const chunk = Uint8Array.of(0, 1, 2, 3), part = chunk.subarray(1, 3);
  const blob = dataOf(part, "blob"), buffer = dataOf(part, "arraybuffer"), whole = dataOf(chunk, "arraybuffer");
  assert(blob instanceof Blob && buffer instanceof ArrayBuffer && whole instanceof ArrayBuffer);
  const own = copyOf(chunk);
  assertStrictEquals(dataOf(own, "arraybuffer"), own.buffer, "nobody else has it");
  chunk.fill(9);
  assertEquals([...new Uint8Array(await blob.arrayBuffer())], [1, 2]);
  assertEquals([...new Uint8Array(buffer)], [1, 2]);
  assertEquals(
    [...new Uint8Array(whole)],
    [0, 1, 2, 3],
    "a chunk that one message fills is read into again all the same",
  );
});
