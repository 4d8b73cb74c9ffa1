import { assertEquals, assertStrictEquals } from "@std/assert";
import { nextTurn } from "../../src/base/clock.ts";
import { Connection } from "../../src/connection/connection.ts";
import { Outgoing } from "../../src/web/outgoing.ts";
import { test } from "../kit/harness.ts";
import { attached, settled } from "../kit/raw_peer.ts";

/** An outgoing half over a connection in memory; a Blob whose bytes come when they are told to. */
function opened(options = {}) {
  const { socket, peer, conn } = attached("client", options), outgoing = new Outgoing();
  const driver = Connection.driverOf(socket)!, bytes = Promise.withResolvers<ArrayBuffer>();
  socket.closed.catch(() => {});
  outgoing.onOpen(driver);
  const blob = Object.assign(new Blob(["abc"]), { arrayBuffer: () => bytes.promise });
  return { outgoing, driver, peer, conn, blob, bytes };
}

test("a Blob holds back what is sent behind it, and the close", async () => {
  const { outgoing, peer, blob, bytes } = opened();
  outgoing.send("before", true);
  outgoing.send(blob, true);
  outgoing.send("behind", true);
  outgoing.close({ closeCode: 3000, reason: "done" });
  await settled();
  assertEquals([peer.frames("client"), outgoing.bufferedAmount], [[{ text: "before" }], 9]);
  bytes.resolve(new TextEncoder().encode("abc").buffer);
  await settled();
  assertEquals(peer.frames("client"), [{ binary: "61 62 63" }, { text: "behind" }, { close: 3000, reason: "done" }]);
  assertEquals(outgoing.bufferedAmount, 0);
});

test("a Blob that can't be read any more fails the connection", async () => {
  const { outgoing, driver, blob, bytes } = opened(), error = new Error("The file is gone");
  const closed = driver.closed.catch((error) => error);
  outgoing.send(blob, true);
  bytes.reject(error);
  assertStrictEquals((await closed).cause, error);
});

test("what waits behind a Blob when the connection is lost is counted", async () => {
  const { outgoing, driver, blob, bytes } = opened();
  outgoing.send(blob, true);
  outgoing.send("four", true);
  driver.abort();
  bytes.resolve(new ArrayBuffer(3));
  await settled();
  outgoing.onClosed();
  assertEquals(outgoing.bufferedAmount, 7);
});

test("bytes stay counted in the turn in which they are sent, and no longer than they wait", async () => {
  const { outgoing } = opened();
  outgoing.send("ä", true);
  outgoing.send(new Uint8Array(100_000), true);
  for (let i = 0; i < 9; i++) await undefined;
  assertEquals(outgoing.bufferedAmount, 100_002);
  await new Promise<void>((resolve) => nextTurn(resolve));
  await settled();
  assertEquals(outgoing.bufferedAmount, 0);
  outgoing.send("a", true);
  assertEquals(outgoing.bufferedAmount, 1);
});
