import { assertEquals } from "@std/assert";
import { afterIO, nextTurn, systemClock } from "../../src/base/clock.ts";
import { test } from "../kit/harness.ts";
import { rawPair } from "../kit/tcp.ts";
import { transportOf } from "../../src/runtime/choose.ts";

test("systemClock only grows, and forgets timers", () => {
  const now = systemClock.now();
  systemClock.clearTimeout(systemClock.setTimeout(() => {
    throw new Error("It fired");
  }, 0));
  if (systemClock.now() < now) throw new Error("It went back");
});

test("nextTurn() comes after all promises that are settled by then", async () => {
  const order: string[] = [];
  const turn = new Promise<void>((resolve) =>
    nextTurn(() => {
      order.push("turn");
      resolve();
    })
  );
  (async () => {
    for (let i = 0; i < 100; i++) await null;
    order.push("promises");
  })();
  await turn;
  assertEquals(order, ["promises", "turn"]);
});

test("afterIO() comes after what waits in the kernel was read, also behind a loop that was blocked", async () => {
  const [raw, conn] = await rawPair(), transport = transportOf(conn), order: string[] = [];
  transport.start({ onData: () => void order.push("data"), onEnd() {}, onDrained() {}, onLost() {} });
  transport.resume();
  await raw.write(Uint8Array.of(1));
  const until = performance.now() + 50;
  while (performance.now() < until);
  await new Promise<void>((resolve) =>
    afterIO(3, () => {
      order.push("after");
      resolve();
    })
  );
  assertEquals(order, ["data", "after"]);
  afterIO(2, () => order.push("cancelled"))();
  await new Promise<void>((resolve) => afterIO(4, resolve));
  assertEquals(order, ["data", "after"]);
  transport.abort();
  raw.close();
});
