import { assert, assertEquals } from "@std/assert";
import { type BackOff, nextWait, type Wait } from "../../src/client/back_off.ts";
import { HandshakeError } from "../../src/errors/handshake_error.ts";
import { uncleanError, WebSocketError } from "../../src/errors/websocket_error.ts";
import { random, test } from "../kit/harness.ts";

const DEFAULT: BackOff = { firstDelay: 3000, maxDelay: 30_000, factor: 1.5, restartSpread: 25_000, random: () => 0.5 };

const LOST = uncleanError("Lost", { closeCode: 1006 });

/** The delays after each of some errors. */
function delays(errors: readonly (HandshakeError | WebSocketError)[], options: BackOff): number[] {
  let wait: Wait | undefined;
  return errors.map((error) => (wait = nextWait(wait, error, options)).delay);
}

/** A refusal that asks to wait. */
function refusal(retryAfter: string): HandshakeError {
  const response = new Response(null, { status: 503, headers: { "retry-after": retryAfter } });
  return new HandshakeError("status-not-101", "", { response });
}

test("nextWait() keeps its place in windows that grow, and follow one another", () => {
  const errors = Array.from({ length: 8 }, () => LOST);
  const at = (place: number) => delays(errors, { ...DEFAULT, factor: 2, firstDelay: 1000, random: () => place });
  // The last window is the longest: from then on an attempt is made once in each
  assertEquals(at(0), [0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  assertEquals(at(0.5), [500, 1500, 3000, 6000, 12_000, 23_000, 30_000, 30_000]);
});

test("nextWait() draws a place once for each outage", () => {
  let draws = 0;
  const options = { ...DEFAULT, random: () => (draws++, 0.5) };
  delays([LOST, LOST, LOST], options);
  delays([LOST], options);
  assertEquals(draws, 2);
});

test("nextWait() with a firstDelay above maxDelay waits as maxDelay says", () => {
  assertEquals(delays([LOST, LOST], { ...DEFAULT, firstDelay: 60_000 }), [15_000, 30_000]);
});

test("nextWait() adds to what Retry-After asks for (RFC 9110 §10.2.3)", () => {
  assertEquals(delays([refusal("7"), refusal("7")], DEFAULT), [7000 + 1500, 7000 + 2250]);
  assertEquals(delays([refusal("0"), refusal("whenever")], DEFAULT), [1500, 3750]);
});

test("nextWait() comes 5 to 30 seconds after 1012 and 1013, and grows from there", () => {
  for (const closeCode of [1012, 1013]) {
    const error = new WebSocketError("", { closeCode });
    for (const [place, expected] of [[0, 5000], [0.5, 17_500], [0.999, 29_975]] as const) {
      assertEquals(delays([error], { ...DEFAULT, random: () => place }), [expected]);
    }
    assertEquals(delays([error, LOST], { ...DEFAULT, random: () => 0 }), [5000, 25_000]);
  }
  assertEquals(delays([new WebSocketError("", { closeCode: 1001 })], DEFAULT), [1500]);
});

/** How many times the mean the busiest second has, of clients that a server gets back which is away for so long. */
function busiest(count: number, away: number, error: WebSocketError, seed: number): number {
  const next = random(seed), options = { ...DEFAULT, random: () => next() / 2 ** 32 };
  const times = Array.from({ length: count }, () => {
    let time = 0, wait: Wait | undefined;
    do time += (wait = nextWait(wait, wait ? LOST : error, options)).delay; while (time < away);
    return time;
  }).sort((a, b) => a - b);
  const seconds = Math.max(1, (times.at(-1)! - times[0]!) / 1000);
  let most = 0;
  for (let first = 0, last = 0; last < count; last++) {
    while (times[last]! - times[first]! >= 1000) first++; // any second, not only those of the clock
    most = Math.max(most, last - first + 1);
  }
  return most / (count / seconds);
}

for (const error of [LOST, new WebSocketError("", { closeCode: 1012 })]) {
  test(`10,000 clients return evenly after ${error.closeCode}, whenever the server is back`, () => {
    for (let away = 0; away <= 120_000; away += 1000) {
      const ratio = busiest(10_000, away, error, 1 + away);
      assert(ratio < 1.75, `${away} ms away: the busiest second has ${ratio.toFixed(2)} times the mean`);
    }
  });
}
