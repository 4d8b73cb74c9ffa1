// What the members of a room were told, beside what was published into it: what was lost, came twice or out of order, and
// for whom.

/** What is wrong, counted over all members. Nothing is, when all are 0; one mistake may be counted as several. */
export interface Wrongs {
  /** Messages that somebody has not got, and is past. */
  lost: number;
  /** Messages that somebody got again, or that are in the room again under another number. */
  twice: number;
  /** Messages of a publisher that are in the room before an earlier one, or not at the place where others have them. */
  unordered: number;
  /** Messages whose publisher was told another number than their readers. */
  misnumbered: number;
  /** Gaps that somebody was told of, though all is kept. */
  gaps: number;
}

/** A message: who has published it, and as which of theirs, from 0. */
export interface Published {
  readonly publisher: number;
  readonly sequence: number;
}

/** A room as its members have seen it. */
export class Ledger {
  readonly wrongs: Wrongs = { lost: 0, twice: 0, unordered: 0, misnumbered: 0, gaps: 0 };
  /** The messages in order, as whoever was the first to get one got it. */
  readonly #numbers: number[] = [];
  readonly #messages: Published[] = [];
  /** For each publisher the number of each message that was acknowledged, and which message comes next. */
  readonly #acknowledged = new Map<number, number[]>();
  readonly #next = new Map<number, number>();
  #acknowledgedCount = 0;

  /** How many messages the room has had, as far as somebody has seen them. */
  get length(): number {
    return this.#numbers.length;
  }

  /** How many messages are in the room by the word of its relay. */
  get acknowledged(): number {
    return this.#acknowledgedCount;
  }

  acknowledge({ publisher, sequence }: Published, number: number): void {
    const numbers = this.#acknowledged.get(publisher) ?? [];
    this.#acknowledged.set(publisher, numbers);
    if (numbers[sequence] === undefined) this.#acknowledgedCount++;
    else if (numbers[sequence] !== number) this.wrongs.misnumbered++; // a retry was told another
    numbers[sequence] = number;
  }

  /** Somebody got a message; gives the place of the next one. */
  see(place: number, number: number, message: Published): number {
    const last = this.#numbers[place - 1] ?? 0;
    if (number <= last) {
      this.wrongs.twice++;
      return place;
    }
    while (place < this.length && this.#numbers[place]! < number) {
      this.wrongs.lost++;
      place++;
    }
    if (place === this.length) this.#append(number, message);
    else if (this.#numbers[place] !== number) {
      this.wrongs.lost++; // all that were before have not got it
      return place;
    } else if (!isSame(this.#messages[place]!, message)) this.wrongs.unordered++;
    return place + 1;
  }

  #append(number: number, message: Published): void {
    const { publisher, sequence } = message, next = this.#next.get(publisher) ?? 0;
    this.#numbers.push(number);
    this.#messages.push(message);
    if (sequence < next) this.wrongs.twice++;
    else if (sequence > next) this.wrongs.unordered++;
    this.#next.set(publisher, Math.max(next, sequence + 1));
  }

  /** Compares what was acknowledged with what was seen, once nobody publishes any more and members are at these places. */
  close(places: readonly number[]): void {
    const length = Math.max(this.length, this.acknowledged);
    for (const place of places) this.wrongs.lost += length - place;
    for (const [i, { publisher, sequence }] of this.#messages.entries()) {
      if (this.#acknowledged.get(publisher)?.[sequence] !== this.#numbers[i]) this.wrongs.misnumbered++;
    }
  }
}

function isSame(one: Published, other: Published): boolean {
  return one.publisher === other.publisher && one.sequence === other.sequence;
}
