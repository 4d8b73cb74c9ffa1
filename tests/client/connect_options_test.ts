// What connect() refuses to work with, before it touches the connection.

import { assertEquals, assertRejects } from "@std/assert";
import { connect } from "../../mod.ts";
import { connectionPair } from "../../src/testing.ts";
import { test } from "../kit/harness.ts";
import { RawPeer, settled } from "../kit/raw_peer.ts";

const URL = "ws://localhost/chat";

const BAD_OPTIONS: readonly [name: string, url: string, options: object, type: string][] = [
  ["no URL", "chat", {}, "SyntaxError"],
  ["another scheme", "ftp://localhost/", {}, "SyntaxError"],
  ["a fragment", "ws://localhost/#", {}, "SyntaxError"],
  ["a subprotocol twice", URL, { protocols: ["a", "a"] }, "SyntaxError"],
  ["a subprotocol that is no token", URL, { protocols: ["a b"] }, "SyntaxError"],
  ["a field that belongs to the handshake", URL, { headers: { "sec-websocket-key": "x" } }, "TypeError"],
  ["a field with a line end", URL, { headers: { x: "a\nb" } }, "TypeError"],
  ["a negative maxBodySize", URL, { maxBodySize: -1 }, "RangeError"],
  ["a maxHeadSize of 0", URL, { maxHeadSize: 0 }, "RangeError"],
  ["a negative handshakeTimeout", URL, { handshakeTimeout: -1 }, "RangeError"],
  ["a negative idleTimeout", URL, { idleTimeout: -1 }, "RangeError"],
];
for (const [name, url, options, type] of BAD_OPTIONS) {
  test(`connect() with ${name} is a ${type}, and leaves the connection untouched and unlocked`, async () => {
    const [conn, far] = connectionPair(), peer = new RawPeer(far);
    const error = await assertRejects(() => connect(url, { conn, ...options })) as Error;
    await settled();
    assertEquals([error.name, conn.readable.locked, conn.isClosed, peer.take()], [type, false, false, ""]);
  });
}
