// The tasks of a WebSocket's events (HTML §8.1.7): one event a turn, so that everything that promises settle in its
// listeners runs before the next. The first of a chunk is delivered at once; those behind it take the turns that follow, which
// all WebSockets share: an event of each in every one of them.

import { IO_IS_PER_REQUEST, nextTurn } from "../base/clock.ts";
import { joinTurns, type Stepping, takeTurns } from "./turns.ts";

/** The events of one WebSocket, in their order. */
export class EventQueue<Item> implements Stepping {
  readonly #deliver: (item: Item) => void;
  #items: Item[] = [];
  /** How many at the beginning were delivered: shifting an array of thousands costs as much as it is long. */
  #taken = 0;
  /** How many turns are taken: by the event that was delivered last, and by each that waits. */
  #turns = 0;

  /** @param deliver Runs an event. It must not throw. */
  constructor(deliver: (item: Item) => void) {
    this.#deliver = deliver;
  }

  /** Whether an event waits for its turn. */
  get isBehind(): boolean {
    return this.#items.length > 0;
  }

  /** Nothing is delivered before the next turn. */
  takeTurn(): void {
    this.#turns++;
    if (IO_IS_PER_REQUEST) return nextTurn(() => void this.step());
    if (this.#turns === 1) joinTurns(this);
    takeTurns(this.#turns); // as many as the longest queue needs
  }

  /** Delivers an event: now, if none was delivered in this turn and none waits, and otherwise in a turn of its own. */
  push(item: Item): void {
    this.takeTurn();
    if (this.#turns === 1) this.#deliver(item);
    else this.#items.push(item);
  }

  /** The same for the last of all: no turn need be taken behind it. */
  pushLast(item: Item): void {
    if (this.#turns === 0) this.#deliver(item);
    else this.#items.push(item);
  }

  step(): boolean {
    this.#turns--;
    if (this.#taken < this.#items.length) this.#deliver(this.#take());
    return this.#turns > 0;
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
