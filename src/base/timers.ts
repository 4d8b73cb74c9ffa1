// Any number of timers on one timer of a clock: one of the runtime's own for each would be most of what a handshake or an
// idle connection costs. They stand in a binary min-heap by the time at which they are due. The clock's timer is set for the
// first of them, and stays when that one is cancelled: it may run out too early, never too late.
//
// A process that was stopped, or whose event loop was blocked, wakes up to its timers first, while what its peers have sent
// meanwhile waits in the kernel. A deadline that is overdue is therefore judged only once that was read: who has cleared it
// or set it anew by then is not given up.

import { afterIO, type Clock, IO_IS_PER_REQUEST } from "./clock.ts";
import { digestsUnderWay } from "./digest.ts";

/**
 * From how late on a deadline is overdue, in milliseconds: a timer of a healthy loop is a few late, and what a peer may have
 * sent in so short a time is not what a deadline is about.
 */
const OVERDUE = 20;

/**
 * How many turns of I/O an overdue deadline waits: one is enough for a few connections on every runtime, two leave room for
 * what takes more than one read, such as TLS. Where hundreds of connections wait, the slowest loop takes in about forty of
 * them a turn; there are about as many as there are deadlines. But a loop that is loaded for good must not put them off for ever.
 */
const turnsFor = (count: number) => Math.min(3 + Math.ceil(count / 32), 32);

/**
 * Calls back once what waited was read, and the digests are made that a handshake among it needs: other threads compute
 * them, beside the event loop, and on a busy machine that takes longer than a few turns.
 *
 * @returns Cancels it.
 */
function afterInput(turns: number, callback: () => void): () => void {
  let cancel = afterIO(turns, () => {
    const digests = IO_IS_PER_REQUEST ? undefined : digestsUnderWay();
    if (!digests) return callback();
    let isCancelled = false;
    cancel = () => isCancelled = true;
    digests.then(() => {
      if (!isCancelled) cancel = afterIO(turns, callback); // others have begun meanwhile: they are not waited for
    });
  });
  return () => cancel();
}

/** In place of the time for which the clock's timer is set, while overdue deadlines wait for I/O. */
const AFTER_IO = -Infinity;

/** What has a timeout. It can be set again at any time; 0 sets none. */
export abstract class Timer {
  readonly #timers: Timers;
  /** The index in the heap, or -1; and when it is due. Only the heap sets them. */
  place = -1;
  due = 0;

  constructor(clock: Clock) {
    this.#timers = IO_IS_PER_REQUEST ? new Timers(clock) : timersOf(clock);
  }

  /** Sets the timeout, in place of the one that was set. */
  protected schedule(delay: number): void {
    if (this.place >= 0) this.#timers.remove(this);
    if (delay !== 0) this.#timers.add(this, delay);
  }

  /** Cancels the timeout. */
  clear(): void {
    if (this.place >= 0) this.#timers.remove(this);
  }

  /** The time is over. */
  abstract onTimeout(): void;
}

/** A timer that calls a function. */
export class Deadline extends Timer {
  #callback: (() => void) | undefined;

  /** Sets the timeout and what is called then, in place of those that were set. */
  set(delay: number, callback: () => void): void {
    this.#callback = delay === 0 ? undefined : callback;
    this.schedule(delay);
  }

  override clear(): void {
    super.clear();
    this.#callback = undefined;
  }

  onTimeout(): void {
    const callback = this.#callback!;
    this.#callback = undefined;
    callback();
  }
}

const timersOfClocks = new WeakMap<Clock, Timers>();

function timersOf(clock: Clock): Timers {
  let timers = timersOfClocks.get(clock);
  if (!timers) timersOfClocks.set(clock, timers = new Timers(clock));
  return timers;
}

/** The timers of one clock: a binary min-heap, in which `heap[(i - 1) >> 1].due <= heap[i].due`. */
class Timers {
  readonly #clock: Clock;
  readonly #heap: Timer[] = [];
  /** The timer of the clock, and when it runs out. */
  #clockTimer: unknown;
  #next = Infinity;
  #stopWaiting = () => {};
  /** The latest time that the clock has shown: a clock that goes back does not make a timer due earlier. */
  #latest = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  #now(): number {
    return this.#latest = Math.max(this.#latest, this.#clock.now());
  }

  add(timer: Timer, delay: number): void {
    timer.due = this.#now() + delay; // not rounded: the latest time would get ahead of the clock, by more each time
    this.#heap.push(timer);
    this.#siftUp(timer, this.#heap.length - 1);
    if (timer.due < this.#next) this.#arm(timer.due, delay);
  }

  remove(timer: Timer): void {
    const { place } = timer, last = this.#heap.pop()!;
    timer.place = -1;
    if (last !== timer) this.#siftDown(last, this.#siftUp(last, place));
    // A timer that nobody waits for would keep the process alive; one that runs out too early does no harm
    if (this.#heap.length === 0) this.#disarm();
  }

  #arm(due: number, delay: number): void {
    this.#disarm();
    this.#clockTimer = this.#clock.setTimeout(() => this.#onClock(due), delay);
    this.#next = due;
  }

  #disarm(): void {
    if (this.#next === Infinity) return;
    if (this.#next === AFTER_IO) this.#stopWaiting();
    this.#next = Infinity;
    this.#clock.clearTimeout(this.#clockTimer);
  }

  #onClock(due: number): void {
    if (due !== this.#next) return; // it was cancelled, and fires nevertheless
    this.#latest = Math.max(this.#latest, due); // a clock's timer may run out a little early
    if (this.#now() - due < OVERDUE) return this.#fire();
    this.#next = AFTER_IO;
    this.#stopWaiting = afterInput(turnsFor(this.#heap.length), () => this.#fire());
  }

  /** Fires what is due, and sets the clock's timer for what is not. */
  #fire(): void {
    const now = this.#now();
    this.#next = Infinity;
    try {
      for (let first; (first = this.#heap[0]) && first.due <= now;) {
        this.remove(first);
        first.onTimeout();
      }
    } finally {
      const first = this.#heap[0];
      if (first && first.due < this.#next) this.#arm(first.due, Math.max(0, first.due - now));
    }
  }

  /** Moves a timer up the heap, from a place on that is free, and returns where it ends. */
  #siftUp(timer: Timer, place: number): number {
    const heap = this.#heap;
    while (place > 0) {
      const parent = heap[place - 1 >> 1]!;
      if (parent.due <= timer.due) break;
      heap[parent.place = place] = parent;
      place = place - 1 >> 1;
    }
    heap[timer.place = place] = timer;
    return place;
  }

  /** Moves a timer down the heap, from a place on that is free. */
  #siftDown(timer: Timer, place: number): void {
    const heap = this.#heap;
    for (let at; (at = 2 * place + 1) < heap.length; place = at) {
      if (at + 1 < heap.length && heap[at + 1]!.due < heap[at]!.due) at++;
      const child = heap[at]!;
      if (timer.due <= child.due) break;
      heap[child.place = place] = child;
    }
    heap[timer.place = place] = timer;
  }
}
