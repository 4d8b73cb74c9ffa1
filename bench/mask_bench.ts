// Masking (src/protocol/mask.ts): in place, beside the loop of RFC 6455 §5.3; and fresh keys beside a call for each.

import { mask, maskKeys } from "../src/protocol/mask.ts";
import { compare } from "./harness.ts";
import { ascii } from "./inputs.ts";

const KEY = 0x37fa213d;

/** As it stands in RFC 6455 §5.3. */
function maskByByte(bytes: Uint8Array, start: number, end: number, octets: Uint8Array): void {
  for (let i = start; i < end; i++) bytes[i]! ^= octets[i - start & 3]!;
}

for (const [name, size] of [["20 B", 20], ["1 KiB", 1024], ["64 KiB", 65536]] as const) {
  const octets = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);
  const masked = ascii(size).map((byte, i) => byte ^ octets[i & 3]!);
  // Each its own bytes; the header in front of them is of 6 bytes or 8, so that they are aligned or not
  const [plain, fresh, aligned, odd] = [ascii(size), ascii(size), ascii(size), new Uint8Array(size + 6)];
  odd.set(ascii(size), 6);
  const payload = odd.subarray(6);
  await compare(`mask: ${name}`, masked, {
    "by the byte": () => {
      maskByByte(plain, 0, size, octets);
      return plain;
    },
    "mask() of bytes that it has not seen": () => {
      mask(fresh.subarray(0), 0, size, KEY);
      return fresh;
    },
    "mask()": () => {
      mask(aligned, 0, size, KEY);
      return aligned;
    },
    "mask() behind 6 bytes": () => {
      mask(odd, 6, size + 6, KEY);
      return payload;
    },
  });
}

const one = new Uint32Array(1), pooled = maskKeys((pool) => void crypto.getRandomValues(pool));
await compare("mask: a fresh key", true, {
  "getRandomValues() for each": () => crypto.getRandomValues(one)[0]! >= 0,
  "maskKeys()": () => pooled() >= 0,
});
