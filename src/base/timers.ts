// Deadlines: any number of them on one timer of a clock, since a timer for each is what handshakes and idle connections
// would mostly consist of. The timer runs to what was the next one when it was set; a heap knows which one that is.

import type { Clock } from "./clock.ts";

/** What has a deadline, which can be set again, and is off while its delay is 0. */
export abstract class Due {
  readonly #timers: Timers;
  /** Where it stands in the heap, or -1, and when it is over. Both are the heap's. */
  place = -1;
  due = 0;

  constructor(clock: Clock) {
    this.#timers = timersOf(clock);
  }

  /** Sets the deadline; what was set is forgotten. */
  protected allow(delay: number): void {
    if (this.place >= 0) this.#timers.remove(this);
    if (delay !== 0) this.#timers.add(this, delay);
  }

  /** Forgets the deadline. */
  clear(): void {
    if (this.place >= 0) this.#timers.remove(this);
  }

  /** It is over. */
  abstract fire(): void;
}

/** A deadline that calls back. */
export class Deadline extends Due {
  #callback: (() => void) | undefined;

  /** Sets it; what was set is forgotten. */
  set(delay: number, callback: () => void): void {
    this.#callback = delay === 0 ? undefined : callback;
    this.allow(delay);
  }

  override clear(): void {
    super.clear();
    this.#callback = undefined;
  }

  fire(): void {
    const callback = this.#callback!;
    this.#callback = undefined;
    callback();
  }
}

const timers = new WeakMap<Clock, Timers>();

function timersOf(clock: Clock): Timers {
  let of = timers.get(clock);
  if (!of) timers.set(clock, of = new Timers(clock));
  return of;
}

/** The deadlines of one clock, the next one first: no one is due before the one at half of its place. */
class Timers {
  readonly #clock: Clock;
  readonly #heap: Due[] = [];
  #timer: unknown;
  /** When the timer runs out. */
  #next = Infinity;
  /** The latest time that is known: no deadline is set before it, whatever the clock says. */
  #latest = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  #now(): number {
    return this.#latest = Math.max(this.#latest, this.#clock.now());
  }

  add(deadline: Due, delay: number): void {
    deadline.due = this.#now() + delay;
    this.#heap.push(deadline);
    this.#rise(deadline, this.#heap.length - 1);
    if (deadline.due < this.#next) this.#arm(deadline.due, delay);
  }

  remove(deadline: Due): void {
    const { place } = deadline, last = this.#heap.pop()!;
    deadline.place = -1;
    if (last !== deadline) this.#sink(last, this.#rise(last, place));
    // A timer that runs for nobody keeps a process alive; one that runs out too early does no harm
    if (this.#heap.length === 0) this.#disarm();
  }

  #arm(due: number, delay: number): void {
    this.#disarm();
    this.#timer = this.#clock.setTimeout(() => this.#fire(due), delay);
    this.#next = due;
  }

  #disarm(): void {
    if (this.#next === Infinity) return;
    this.#next = Infinity;
    this.#clock.clearTimeout(this.#timer);
  }

  #fire(due: number): void {
    if (due !== this.#next) return; // it was forgotten, and comes nevertheless
    this.#latest = Math.max(this.#latest, due); // a timer may run out a little early
    const now = this.#now();
    this.#next = Infinity;
    try {
      for (let first; (first = this.#heap[0]) && first.due <= now;) {
        this.remove(first);
        first.fire();
      }
    } finally {
      const first = this.#heap[0];
      if (first && first.due < this.#next) this.#arm(first.due, Math.max(0, first.due - now));
    }
  }

  /** Moves a deadline up from a place to where it belongs, and gives that place. */
  #rise(deadline: Due, place: number): number {
    const heap = this.#heap;
    while (place > 0) {
      const above = heap[place - 1 >> 1]!;
      if (above.due <= deadline.due) break;
      heap[above.place = place] = above;
      place = place - 1 >> 1;
    }
    heap[deadline.place = place] = deadline;
    return place;
  }

  /** The same downwards. */
  #sink(deadline: Due, place: number): void {
    const heap = this.#heap;
    for (let below; (below = 2 * place + 1) < heap.length; place = below) {
      if (below + 1 < heap.length && heap[below + 1]!.due < heap[below]!.due) below++;
      const child = heap[below]!;
      if (deadline.due <= child.due) break;
      heap[child.place = place] = child;
    }
    heap[deadline.place = place] = deadline;
  }
}
