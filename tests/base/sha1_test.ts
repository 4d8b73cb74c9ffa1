import { assertEquals } from "@std/assert";
import { encodeBase64 } from "../../src/base/base64.ts";
import { digest } from "../../src/base/digest.ts";
import { sha1 } from "../../src/base/sha1.ts";
import { hex, latin1, test } from "../kit/harness.ts";

const EXAMPLES = {
  "": "da39a3ee5e6b4b0d3255bfef95601890afd80709",
  "abc": "a9993e364706816aba3e25717850c26c9cd0d89d",
  "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq": "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
};

test("sha1() gives the digests of the standard's examples (FIPS 180-4)", () => {
  for (const [text, digest] of Object.entries(EXAMPLES)) assertEquals(sha1(text), encodeBase64(hex(digest)), text);
});

test("sha1() is that of crypto.subtle, for every length up to five blocks (FIPS 180-4 §5.1.1)", async () => {
  for (let length = 0; length <= 320; length++) {
    const text = String.fromCharCode(...crypto.getRandomValues(new Uint8Array(length)).map((byte) => byte & 127));
    assertEquals(sha1(text), encodeBase64(await digest("SHA-1", latin1(text))), text);
  }
});
