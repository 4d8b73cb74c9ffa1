import { assertEquals, assertThrows } from "@std/assert";
import { checkWebOptions, type WebOptions } from "../../src/web/web_options.ts";
import { connectionPair } from "../../src/testing.ts";
import { test } from "../kit/harness.ts";

const given = { protocols: ["a"], signal: new AbortController().signal };

test("what the class has decided, the bag can't change", () => {
  const bag = { protocols: ["b"], signal: AbortSignal.abort(), keepAlive: true, conn: connectionPair()[0] };
  const { offer, signal, keepAlive } = checkWebOptions(bag as WebOptions, given);
  assertEquals([offer.protocols, signal, keepAlive], [["a"], given.signal, false]);
});

test("what is wrong in the bag is told as connect() tells it", () => {
  assertThrows(() => checkWebOptions({ maxMessageSize: -1 }, given), RangeError, "maxMessageSize");
  assertThrows(() => checkWebOptions({ caCerts: ["x"] }, given), TypeError, "caCerts");
  assertThrows(() => checkWebOptions({ streamAbove: 0 } as WebOptions, given), TypeError, "connect() pieces");
  assertThrows(() => checkWebOptions(true as unknown as WebOptions, given), TypeError, "must be an object");
  assertEquals(checkWebOptions(undefined, given).handshakeTimeout, 10_000);
});
