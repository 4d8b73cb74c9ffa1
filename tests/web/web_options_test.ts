import { assertEquals, assertThrows } from "@std/assert";
import { checkWebOptions, type WebOptions } from "../../src/web/web_options.ts";
import { WebSocket } from "../../src/web/websocket.ts";
import { WebSocketStream } from "../../src/web/websocket_stream.ts";
import { connectionPair } from "../../src/testing.ts";
import { test } from "../kit/harness.ts";

const given = { protocols: ["a"], signal: new AbortController().signal };

test("what the class decides, the bag can't have, and is told why", () => {
  const values = { protocols: ["b"], signal: AbortSignal.abort(), keepAlive: true, streamAbove: 0 };
  for (const [name, value] of Object.entries(values)) {
    const bag = { [name]: value } as WebOptions;
    assertThrows(() => checkWebOptions(bag, given), TypeError, `Cannot use the option ${name}: `);
    assertThrows(() => new WebSocketStream("ws://127.0.0.1:1/", {}, bag), TypeError, name);
    assertThrows(() => new WebSocket("ws://127.0.0.1:1/", [], bag), TypeError, name);
  }
  const none = { protocols: undefined, signal: undefined, keepAlive: false, streamAbove: Infinity };
  const { offer, signal, keepAlive } = checkWebOptions({ ...none, conn: connectionPair()[0] } as WebOptions, given);
  assertEquals([offer.protocols, signal, keepAlive], [["a"], given.signal, false]);
});

test("the bag is read once: no getter gives what is refused behind the check", () => {
  const reads: Record<string, number> = {}, bag = Object.create(null);
  const values = { protocols: ["b"], signal: AbortSignal.abort(), keepAlive: true, streamAbove: 0, maxMessageSize: 5 };
  for (const [name, value] of Object.entries(values)) {
    const get = () => (reads[name] = (reads[name] ?? 0) + 1) === 1 ? undefined : value;
    Object.defineProperty(bag, name, { enumerable: true, get });
  }
  const { offer, signal, keepAlive, connection } = checkWebOptions(bag, given);
  assertEquals(reads, { protocols: 1, signal: 1, keepAlive: 1, streamAbove: 1, maxMessageSize: 1 });
  assertEquals([offer.protocols, signal, keepAlive, connection.streamAbove], [["a"], given.signal, false, Infinity]);
});

test("what is wrong in the bag is told as connect() tells it", () => {
  assertThrows(() => checkWebOptions({ maxMessageSize: -1 }, given), RangeError, "maxMessageSize");
  assertThrows(() => checkWebOptions({ caCerts: ["x"] }, given), TypeError, "caCerts");
  assertThrows(() => checkWebOptions(true as unknown as WebOptions, given), TypeError, "must be an object");
  assertEquals(checkWebOptions(undefined, given).handshakeTimeout, 10_000);
});
