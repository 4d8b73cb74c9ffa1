import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { unlessAborted, whenAborted } from "../../src/base/abort.ts";
import { test } from "../kit/harness.ts";
import { countedSignal, settled } from "../kit/raw_peer.ts";

const mine = new Error("mine");

test("whenAborted() calls back once, with the reason, and not when it was stopped", () => {
  const { controller, signal, listeners } = countedSignal(), reasons: unknown[] = [];
  const stop = whenAborted(signal, () => reasons.push("stopped"));
  whenAborted(signal, (reason) => reasons.push(reason));
  stop();
  assertEquals(listeners(), 1);
  controller.abort(mine);
  assertEquals(reasons, [mine]);
});

test("whenAborted() of a signal that is already aborted calls back at once; without a signal it never does", () => {
  const reasons: unknown[] = [];
  whenAborted(AbortSignal.abort(mine), (reason) => reasons.push(reason))();
  whenAborted(undefined, (reason) => reasons.push(reason))();
  assertEquals(reasons, [mine]);
});

test("unlessAborted() gives what the promise gives, and leaves no listener", async () => {
  const { signal, listeners } = countedSignal(), given = Promise.withResolvers<number>();
  const waiting = unlessAborted(given.promise, signal);
  assertEquals(listeners(), 1);
  given.resolve(5);
  assertEquals([await waiting, listeners()], [5, 0]);
  assertStrictEquals(await assertRejects(() => unlessAborted(Promise.reject(mine), signal)), mine);
  assertEquals(listeners(), 0);
});

test("unlessAborted() rejects when the signal aborts first, and drops what comes later", async () => {
  const { controller, signal, listeners } = countedSignal(), dropped: number[] = [];
  const late = Promise.withResolvers<number>(), failing = Promise.withResolvers<number>();
  const waits = [late, failing].map(({ promise }) => unlessAborted(promise, signal, (value) => dropped.push(value)));
  controller.abort(mine);
  for (const wait of waits) assertStrictEquals(await assertRejects(() => wait), mine);
  late.resolve(5);
  failing.reject(new Error("nobody hears of it"));
  await settled();
  assertEquals([dropped, listeners()], [[5], 0]);
  assertStrictEquals(await assertRejects(() => unlessAborted(Promise.resolve(1), signal)), mine);
});
