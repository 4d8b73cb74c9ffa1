// permessage-deflate (src/protocol/deflate.ts): 1 KiB of JSON in and out, with and without the window of the messages
// before, beside the synchronous calls of node:zlib, which keep none.

import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { Deflater, Inflater } from "../src/protocol/deflate.ts";
import { assert } from "@std/assert";
import { concat } from "../tests/kit/harness.ts";
import { compare } from "./harness.ts";
import { json } from "./inputs.ts";

/** More of them than the largest window holds: when they come round again, it is as it was the time before. */
const MESSAGES = Array.from({ length: 64 }, (_, i) => json(i));

/** Calls with each message in turn. */
function inTurn<T, R>(messages: readonly T[], run: (message: T) => R): () => R {
  let next = 0;
  return () => run(messages[next++ % messages.length]!);
}

for (const [name, windowBits, memLevel] of [["by default", 12, 5], ["as zlib's", 15, 8]] as const) {
  const settings = { windowBits, level: 6, memLevel };
  const zlib = { ...settings, finishFlush: constants.Z_SYNC_FLUSH };
  for (const takesOver of [true, false]) {
    const window = `${takesOver ? "window kept" : "window not kept"}, settings ${name}`;

    const deflater = new Deflater({ ...settings, takesOver });
    const smaller = (bytes: Uint8Array) => bytes.length < 500;
    await compare(`deflate: 1 KiB of JSON, ${window}`, true, {
      "deflateRawSync()": inTurn(MESSAGES, (message) => smaller(deflateRawSync(message, zlib))),
      Deflater: inTurn(MESSAGES, (message) => smaller(deflater.compress(message, true))),
    });

    // The second time round, as every time after it
    const compressor = new Deflater({ ...settings, takesOver });
    const [first, again] = [1, 2].map(() => MESSAGES.map((message) => compressor.compress(message, true).slice()));
    const alone = MESSAGES.map((message) => concat(deflateRawSync(message, zlib)));
    const inflater = new Inflater(windowBits, takesOver);
    let length = 0;
    const sink = (bytes: Uint8Array) => {
      length += bytes.length;
      return true;
    };
    const inflate = (bytes: Uint8Array<ArrayBuffer>) => {
      length = 0;
      assert(inflater.push(bytes, sink) && inflater.end(sink));
      return length;
    };
    first!.forEach((bytes, i) => assert(inflate(bytes) === MESSAGES[i]!.length));
    await compare(`deflate: inflate 1 KiB of JSON, ${window}`, MESSAGES[0]!.length, {
      "inflateRawSync()": inTurn(alone, (bytes) => inflateRawSync(bytes, zlib).length),
      Inflater: inTurn(again!, inflate),
    });
  }
}
