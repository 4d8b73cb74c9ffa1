// What accept() refuses to work with, before it touches the connection.

import { assertEquals, assertRejects } from "@std/assert";
import { accept, type AcceptOptions, extendedConnect, offer } from "../../mod.ts";
import { connectionPair } from "../../src/testing.ts";
import { upgrade } from "../cases/requests_base.ts";
import { test } from "../kit/harness.ts";
import { RawPeer } from "../kit/raw_peer.ts";

const BAD_OPTIONS: readonly [name: string, options: unknown, type: typeof TypeError | typeof RangeError][] = [
  ["a subprotocol that is no token", { protocols: ["a b"] }, TypeError],
  ["origins that are no list", { origins: "all" }, TypeError],
  ["a field that belongs to the handshake", { headers: { upgrade: "h2c" } }, TypeError],
  ["a field of a body", { headers: { "content-length": "5" } }, TypeError],
  ["a field with a line end", { headers: { x: "a\r\nb: c" } }, TypeError],
  ["a request without an absolute url", { request: { method: "GET", url: "/", headers: new Headers() } }, TypeError],
  ["protocols that are no list", { protocols: {} }, TypeError],
  ["a single protocol that is no token", { protocols: "a b" }, TypeError],
  ["an origin that no page has", { origins: ["https://app.example/"] }, TypeError],
  ["a request of Node's", { request: { method: "GET", url: "/", headers: { host: "h" } } }, TypeError],
  ["a request of HTTP/2 (RFC 8441 §5)", { request: extendedConnect(offer("ws://h/")).request }, TypeError],
  ["an authorize that is no function", { authorize: 5 }, TypeError],
  ["a prefix that is a string", { prefix: "GET" }, TypeError],
  ["a prefix of numbers", { prefix: [71] }, TypeError],
  ["a request that is none", { request: {} }, TypeError],
  ["a signal that is none", { signal: {} }, TypeError],
  ["a negative handshakeTimeout", { handshakeTimeout: -1 }, RangeError],
  ["a maxHeadSize of 0", { maxHeadSize: 0 }, RangeError],
  ["a maxMessageSize that is no integer", { maxMessageSize: 1.5 }, RangeError],
  ["a highWaterMark that is not a number", { highWaterMark: NaN }, RangeError],
  ["a closeTimeout that is too long", { closeTimeout: 2 ** 31 }, RangeError],
  ["an idleTimeout that is no number", { idleTimeout: "1" }, RangeError],
  ["a keepAlive that is no boolean", { keepAlive: 1 }, TypeError],
  ...[null, 0, "", "false"].map((keepRequest): typeof BAD_OPTIONS[number] => {
    return [`the keepRequest ${JSON.stringify(keepRequest)}`, { keepRequest }, TypeError];
  }),
  ["a takeover that is no boolean", { compression: { serverNoContextTakeover: "yes" } }, TypeError],
];
for (const [name, options, type] of BAD_OPTIONS) {
  test(`accept() with ${name} leaves the connection untouched and unlocked`, async () => {
    const [far, conn] = connectionPair(), peer = new RawPeer(far);
    peer.write(upgrade());
    await assertRejects(() => accept(conn, options as AcceptOptions), type);
    assertEquals([conn.readable.locked, conn.writable.locked, conn.isClosed, peer.take()], [false, false, false, ""]);
    (await accept(conn)).abort();
  });
}
