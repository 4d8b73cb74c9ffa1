import { assertEquals, assertRejects } from "@std/assert";
import { digest, digestsUnderWay } from "../../src/base/digest.ts";
import { hex, test } from "../kit/harness.ts";

const ABC = new TextEncoder().encode("abc");

test("digest() gives the digests of the standard's examples (FIPS 180-4)", async () => {
  assertEquals(await digest("SHA-1", ABC), hex("a9993e364706816aba3e25717850c26c9cd0d89d"));
  assertEquals(
    await digest("SHA-256", ABC),
    hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
  );
});

test("digestsUnderWay() waits for all that have begun, and is undefined when there are none", async () => {
  assertEquals(digestsUnderWay(), undefined);
  let done = 0;
  const both = [digest("SHA-1", ABC), digest("SHA-256", ABC)].map((digest) => digest.then(() => done++));
  await digestsUnderWay();
  await Promise.all(both);
  assertEquals([done, digestsUnderWay()], [2, undefined]);
  await assertRejects(() => digest("SHA-0" as "SHA-1", ABC));
  assertEquals(digestsUnderWay(), undefined);
});
