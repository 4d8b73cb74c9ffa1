// The tasks of a WebSocket's events (HTML §8.1.7): one event a turn, so that everything that promises settle in its
// listeners runs before the next. The first of a chunk is delivered at once; those behind it take the turns that follow, which
// all WebSockets share: an event of each in every one of them.

import { IO_IS_PER_REQUEST, nextTurn } from "../base/clock.ts";
import { eventTurn, isOver, joinTurns, type Stepping, takeTurns } from "../base/turns.ts";

/** The events of one WebSocket, in their order. */
export class EventQueue<Item> implements Stepping {
  readonly #run: (item: Item) => void;
  #items: Item[] = [];
  /** How many at the beginning were delivered: shifting an array of thousands costs as much as it is long. */
  #taken = 0;
  /** Whether it takes part in the next turn, or in this one. */
  #isJoined = false;
  /** The number of the turn that an event has had. */
  #turn = -1;

  /** @param run Runs an event. It must not throw. */
  constructor(run: (item: Item) => void) {
    this.#run = run;
  }

  /** Whether an event waits for its turn. */
  get isBehind(): boolean {
    return this.#items.length > 0;
  }

  /** Nothing is delivered before the next turn. */
  takeTurn(): void {
    this.#turn = eventTurn();
  }

  /** Delivers an event: now, if none was delivered in this turn and none waits, and otherwise in a turn of its own. */
  push(item: Item): void {
    if (!this.isBehind && isOver(this.#turn)) return this.#deliver(item);
    this.#items.push(item);
    if (IO_IS_PER_REQUEST) return nextTurn(() => void this.step());
    if (!this.#isJoined) joinTurns(this);
    this.#isJoined = true;
    takeTurns(this.#items.length - this.#taken + 1); // as many as the longest queue needs, and the last of them takes one as well
  }

  step(): boolean {
    if (this.isBehind) this.#deliver(this.#take());
    return this.#isJoined = this.isBehind;
  }

  #deliver(item: Item): void {
    this.takeTurn();
    this.#run(item);
  }

  #take(): Item {
    const item = this.#items[this.#taken++]!;
    if (this.#taken === this.#items.length) {
      this.#items = [];
      this.#taken = 0;
    }
    return item;
  }
}
