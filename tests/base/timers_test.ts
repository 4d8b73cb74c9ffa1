import { assertEquals, assertThrows } from "@std/assert";
import { afterIO, type Clock } from "../../src/base/clock.ts";
import { digest } from "../../src/base/digest.ts";
import { Deadline } from "../../src/base/timers.ts";
import { fakeClock } from "../../src/testing.ts";
import { random, test } from "../kit/harness.ts";

test("Deadline fires once, and only the last that was set", async () => {
  const clock = fakeClock(), deadline = new Deadline(clock), fired: string[] = [];
  deadline.set(100, () => fired.push("first"));
  deadline.set(200, () => fired.push("second"));
  assertEquals(clock.pending, 1);
  await clock.advance(1000);
  assertEquals([fired, clock.pending], [["second"], 0]);
});

test("Deadline is off with 0 and after clear(), and can be set by its own callback", async () => {
  const clock = fakeClock(), deadline = new Deadline(clock);
  let count = 0;
  const again = () => {
    if (++count < 3) deadline.set(10, again);
  };
  deadline.set(10, again);
  await clock.advance(100);
  assertEquals(count, 3);
  deadline.set(10, again);
  deadline.set(0, again);
  assertEquals(clock.pending, 0);
  deadline.set(10, again);
  deadline.clear();
  deadline.clear();
  assertEquals(clock.pending, 0);
});

test("Deadlines of one clock share a timer, and each fires at its time, in the order of time", async () => {
  const clock = fakeClock(), next = random(5), fired: string[] = [], expected: { at: number; name: string }[] = [];
  const deadlines = Array.from({ length: 60 }, () => new Deadline(clock));
  let due = deadlines.map(() => Infinity);
  for (let step = 0; step < 500; step++) {
    const i = next() % deadlines.length;
    if (next() % 3 === 0) {
      deadlines[i]!.clear();
      due[i] = Infinity;
    } else {
      const at = clock.now() + 1 + next() % 500;
      due[i] = at;
      deadlines[i]!.set(at - clock.now(), () => fired.push(`${clock.now()} ${i}`));
    }
    assertEquals(clock.pending, due.some((at) => at < Infinity) ? 1 : 0);
    if (next() % 4 !== 0) continue;
    const until = clock.now() + next() % 40;
    due.forEach((at, i) => at <= until && expected.push({ at, name: `${at} ${i}` }));
    due = due.map((at) => at <= until ? Infinity : at);
    await clock.advance(until - clock.now());
  }
  // Those of one time may come in any order
  const sorted = (names: string[]) => names.sort((a, b) => parseInt(a) - parseInt(b) || (a < b ? -1 : 1));
  assertEquals(fired.map((name) => parseInt(name)), fired.map((name) => parseInt(name)).sort((a, b) => a - b));
  assertEquals(sorted(fired), sorted(expected.map(({ name }) => name)));
});

for (const delay of [1.01, 4.5]) {
  test(`a Deadline is not early because others of ${delay} ms set themselves again beside it`, async () => {
    const clock = fakeClock(), long = new Deadline(clock), other = new Deadline(clock), fired: number[] = [];
    const again = () => other.set(delay, again);
    long.set(1000, () => fired.push(clock.now()));
    again();
    await clock.advance(998);
    assertEquals(fired, []);
    await clock.advance(10);
    assertEquals(fired.length, 1);
    other.clear();
  });
}

test("Deadlines may be cleared and set by the callback of another, and one that throws stops no other", async () => {
  const clock = fakeClock(), fired: string[] = [];
  const [a, b, c, d] = Array.from({ length: 4 }, () => new Deadline(clock)) as [Deadline, Deadline, Deadline, Deadline];
  a.set(10, () => {
    fired.push("a");
    b.clear();
    d.set(5, () => fired.push("d"));
  });
  b.set(20, () => fired.push("b"));
  c.set(30, () => fired.push("c"));
  await clock.advance(100);
  assertEquals([fired, clock.pending], [["a", "d", "c"], 0]);

  let fire = () => {};
  const manual: Clock = { now: () => 0, setTimeout: (callback) => fire = callback, clearTimeout() {} };
  new Deadline(manual).set(10, () => {
    throw new Error("It failed");
  });
  new Deadline(manual).set(10, () => fired.push("e"));
  assertThrows(() => fire(), Error, "It failed");
  fire();
  assertEquals(fired.at(-1), "e");
});

test("Deadlines that set themselves again wait for their time, also by a clock that stands still or steps back", () => {
  for (const times of [[0, 0, 0, 0], [1000, 0, 0, 0], [0, -5000, 0, 0]]) {
    let now = times[0]!, fire = () => {}, fired = 0;
    const delays: number[] = [];
    const clock: Clock = {
      now: () => now,
      setTimeout(callback, delay) {
        delays.push(delay);
        return fire = callback;
      },
      clearTimeout() {},
    };
    const deadline = new Deadline(clock);
    const again = () => {
      fired++;
      if (fired < 1000) deadline.set(50, again);
    };
    deadline.set(50, again);
    for (const time of times.slice(1)) {
      now = time;
      fire();
    }
    assertEquals([fired, delays], [3, [50, 50, 50, 50]], JSON.stringify(times));
  }
});

test("a timer that was forgotten, and fires nevertheless, ends no Deadline", () => {
  const fires: (() => void)[] = [], fired: string[] = [];
  const clock: Clock = { now: () => 0, setTimeout: (callback) => fires.push(callback), clearTimeout() {} };
  new Deadline(clock).set(20, () => fired.push("20"));
  new Deadline(clock).set(10, () => fired.push("10"));
  fires[0]!();
  assertEquals(fired, []);
  fires[1]!();
  assertEquals(fired, ["10"]);
});

test("a Deadline is over when its timer says so, which may be a little early", () => {
  let now = 0, fire = () => {};
  const clock: Clock = { now: () => now, setTimeout: (callback) => fire = callback, clearTimeout() {} };
  const fired: string[] = [];
  new Deadline(clock).set(10, () => fired.push("first"));
  new Deadline(clock).set(11, () => fired.push("second"));
  now = 9.6;
  fire();
  assertEquals(fired, ["first"]);
});

test("a Deadline that is overdue waits for I/O: who clears it, or sets it anew, by then is not given up", async () => {
  const clock = fakeClock(), fired: string[] = [];
  const [idle, answered, renewed] = Array.from({ length: 3 }, () => new Deadline(clock)) as [
    Deadline,
    Deadline,
    Deadline,
  ];
  idle.set(1000, () => fired.push(`idle at ${clock.now()}`));
  answered.set(1001, () => fired.push("answered"));
  renewed.set(1002, () => fired.push(`renewed at ${clock.now()}`));
  const jump = clock.jump(5000);
  assertEquals(fired, [], "nothing is judged before anything was read");
  setTimeout(() => {
    answered.clear();
    renewed.set(100, () => fired.push(`renewed at ${clock.now()}`));
  }, 0);
  await jump;
  assertEquals([fired, clock.pending], [["idle at 5000"], 1]);
  await clock.advance(100);
  assertEquals(fired, ["idle at 5000", "renewed at 5100"]);
});

test("a Deadline that is overdue waits for the digest of what was read, however many turns that takes", async () => {
  const { digest: computed } = crypto.subtle, clock = fakeClock(), fired: string[] = [];
  const slow = Promise.withResolvers<ArrayBuffer>();
  crypto.subtle.digest = () => slow.promise;
  try {
    const [answered, idle] = [new Deadline(clock), new Deadline(clock)];
    answered.set(1000, () => fired.push("answered"));
    idle.set(1000, () => fired.push("idle"));
    const jump = clock.jump(5000);
    const answering = digest("SHA-1", new Uint8Array()).then(() => answered.clear());
    afterIO(100, () => slow.resolve(new ArrayBuffer(20)));
    await Promise.all([jump, answering]);
    assertEquals(fired, ["idle"]);
  } finally {
    crypto.subtle.digest = computed;
  }
});

test("a Deadline that waits for a digest can be cleared", async () => {
  const { digest: computed } = crypto.subtle, clock = fakeClock(), fired: string[] = [];
  const slow = Promise.withResolvers<ArrayBuffer>();
  crypto.subtle.digest = () => slow.promise;
  try {
    const deadline = new Deadline(clock);
    deadline.set(1000, () => fired.push("late"));
    const jump = clock.jump(5000), answering = digest("SHA-1", new Uint8Array());
    afterIO(100, () => {
      deadline.clear();
      slow.resolve(new ArrayBuffer(20));
    });
    await Promise.all([jump, answering]);
    assertEquals([fired, clock.pending], [[], 0]);
  } finally {
    crypto.subtle.digest = computed;
  }
});

test("a Deadline that is a little late does not wait, and one that is cleared while it waits leaves no timer", async () => {
  const clock = fakeClock(), fired: string[] = [], [punctual, late] = [new Deadline(clock), new Deadline(clock)];
  punctual.set(1000, () => fired.push("punctual"));
  const short = clock.jump(1019);
  assertEquals(fired, ["punctual"]);
  await short;
  late.set(1000, () => fired.push("late"));
  const long = clock.jump(1020);
  late.clear();
  await long;
  late.set(10, () => fired.push("set again"));
  assertEquals(clock.pending, 1);
  await clock.advance(10);
  assertEquals(fired, ["punctual", "set again"]);
});
