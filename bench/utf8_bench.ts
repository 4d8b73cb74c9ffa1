// Text (src/base/utf8.ts): whole messages and pieces of them, beside a strict TextDecoder.

import { decodeText, Utf8Check } from "../src/base/utf8.ts";
import { compare } from "./harness.ts";
import { ascii, nonAscii } from "./inputs.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const check = new Utf8Check();

for (const [name, size] of [["20 B", 20], ["1 KiB", 1024], ["64 KiB", 65536]] as const) {
  for (const [kind, bytes] of [["ASCII", ascii(size)], ["not ASCII", nonAscii(size)]] as const) {
    await compare(`utf8: ${name}, ${kind}`, decoder.decode(bytes), {
      TextDecoder: () => decoder.decode(bytes),
      "decodeText()": () => decodeText(bytes),
    });
    await compare(`utf8: ${name} as a piece, ${kind}`, true, {
      "TextDecoder, as a stream": () => decoder.decode(bytes, { stream: true }).length > 0,
      Utf8Check: () => check.push(bytes),
    });
  }
}
