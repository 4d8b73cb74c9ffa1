// Who is there, where many come and go. A `Set` would do, but in V8 each table that a set has outgrown refers to the next one:
// once one of them is old, all that were in any of them survive every collection of young objects, until a full one.

/** What can be in one roster at a time. */
export interface Rostered {
  /** Its index in the roster, or -1. Only the roster sets it. */
  place: number;
}

/** Those who are there, in no order. */
export class Roster<Item extends Rostered> {
  readonly #items: Item[] = [];

  get size(): number {
    return this.#items.length;
  }

  add(item: Item): void {
    item.place = this.#items.push(item) - 1;
  }

  /** Takes one out, if it is there: the last one gets its place. */
  delete(item: Item): void {
    const { place } = item;
    if (place < 0) return;
    item.place = -1;
    const last = this.#items.pop()!;
    if (last !== item) this.#items[last.place = place] = last;
  }

  clear(): void {
    for (const item of this.#items) item.place = -1;
    this.#items.length = 0;
  }

  /** Those who are there now. */
  list(): readonly Item[] {
    return this.#items.slice();
  }
}
