// One who gets the messages of a room: a member's socket, or a handler. It is live, and handed each message as it comes; or
// it catches up, at its own pace. Who can take no more while live waits until there is room, and goes on with what the room
// has kept for it meanwhile, as after a burst; or, if that was too much, falls behind and reads what the relay keeps. So a
// slow one costs nobody else time, and memory within bounds.

import { Delivery, type RoomEvent } from "./event.ts";
import type { Recent } from "./recent.ts";
import type { RelayPage } from "./relay.ts";

/** Takes an event; gives a promise when no more should come until it has settled. It must not throw. */
export type Sink = (delivery: Delivery) => void | PromiseLike<unknown>;

/** What a follower needs of its room. */
export interface FollowedRoom {
  readonly name: string;
  /** The number of the message that who is live had last. */
  readonly place: number;
  readonly recent: Recent;
  /** Reads what the relay keeps, however long that takes; `undefined` when the room is over. */
  read(after: number, limit: number): Promise<RelayPage | undefined>;
}

/** How many messages are read at first. */
export const FIRST_PAGE = 16;

/** How many messages are read at once, and about how many bytes. */
const LARGEST_PAGE = 128, PAGE_BYTES = 64 * 1024;

/** How many messages to read next, if they are as large as these. */
export function nextLimit(deliveries: readonly Delivery[], limit: number): number {
  if (deliveries.length === 0) return limit;
  const average = deliveries.reduce((sum, { bytes }) => sum + bytes, 0) / deliveries.length;
  return Math.max(1, Math.min(LARGEST_PAGE, Math.floor(PAGE_BYTES / (average + 1))));
}

/** The messages of a page, and before them the gap, for one who has come to this number, or all. */
export function deliveriesOf(
  room: string,
  { messages, isTrimmed }: RelayPage,
  after: number,
  isShared: boolean,
): Delivery[] {
  const events: RoomEvent[] = messages.map(({ number, data }) => ({ room, number, message: data }));
  const next = messages[0]?.number;
  if (isTrimmed) events.unshift({ room, gap: { after, next } });
  return events.map((event) => new Delivery(event, isShared));
}

/** One who follows a room. */
export class Follower {
  /** The number of the last message that it had. */
  #place = 0;
  #isLive = false;
  #isCatchingUp = false;
  #isOver = false;
  /** Whether it waits until it can take more. */
  #isWaiting = false;
  /** Whether the room keeps for it what comes. */
  #isHolding = false;
  /** Whether the room has gone on behind a gap, which is told by what it reads. */
  #mustRead = false;
  #limit = FIRST_PAGE;
  /** Settles when it can take more. */
  #full: PromiseLike<unknown> | undefined;
  #onCaughtUp: (() => void) | undefined;
  readonly #room: FollowedRoom;
  readonly #sink: Sink;

  constructor(room: FollowedRoom, sink: Sink) {
    this.#room = room;
    this.#sink = sink;
  }

  /**
   * Begins behind a number, once the room knows its place.
   *
   * @param after The number: the room's, to get what is new.
   * @param onCaughtUp Called when it is live for the first time.
   */
  start(after: number, onCaughtUp: () => void): void {
    if (this.#isOver) return;
    this.#onCaughtUp = onCaughtUp;
    this.#place = after;
    if (this.#place === this.#room.place) this.#goLive();
    else void this.#catchUp();
  }

  #goLive(): void {
    this.#isLive = true;
    const onCaughtUp = this.#onCaughtUp;
    this.#onCaughtUp = undefined;
    onCaughtUp?.();
  }

  /** A message that comes, or a gap. The live ones get it; the others read it, or have had it from elsewhere. */
  onDelivery(delivery: Delivery): void {
    if (this.#isOver) return;
    const { event } = delivery;
    if (!this.#isLive) {
      this.#mustRead ||= event.gap !== undefined;
      if (this.#isWaiting) this.#releaseIfBehind();
      return;
    }
    if (event.gap) return void this.#sink(delivery);
    if (event.number <= this.#place) return;
    this.#place = event.number;
    this.#full = this.#sink(delivery) ?? undefined;
    if (!this.#full) return;
    this.#isLive = false;
    void this.#catchUp();
  }

  /** The room has begun anew behind this number. */
  restart(after: number): void {
    if (this.#isLive) this.#place = Math.min(this.#place, after);
  }

  end(): void {
    this.#isOver = true;
    this.#release();
  }

  /** Has the room keep what comes from now on. */
  #hold(): void {
    if (this.#isHolding || this.#isOver) return;
    this.#isHolding = true;
    this.#room.recent.begin(this.#room.place);
  }

  #release(): void {
    if (!this.#isHolding) return;
    this.#isHolding = false;
    this.#room.recent.end();
  }

  /** What is kept does no good to who has to read before it. */
  #releaseIfBehind(): void {
    const { recent } = this.#room;
    if (this.#place < recent.after || recent.isCrowded) this.#release();
  }

  /** Takes what it has missed, whenever it can take some, until it is live. */
  async #catchUp(): Promise<void> {
    if (this.#isCatchingUp) return; // it has just come live, and goes on
    this.#isCatchingUp = true;
    try {
      while (!this.#isOver && !this.#isLive) {
        this.#hold();
        if (this.#full) await this.#untilRoom(this.#full);
        this.#full = undefined;
        this.#hold();
        await this.#takeMissed();
      }
    } finally {
      this.#isCatchingUp = false;
      this.#release();
    }
  }

  async #untilRoom(full: PromiseLike<unknown>): Promise<void> {
    this.#isWaiting = true;
    this.#releaseIfBehind();
    await settled(full);
    this.#isWaiting = false;
  }

  /** Takes what it has missed, until it is live or can take no more. */
  async #takeMissed(): Promise<void> {
    const { recent, name } = this.#room;
    while (!this.#isOver && !this.#full && !this.#isLive) {
      const { after } = recent;
      if (!this.#mustRead && this.#place >= after && this.#place <= this.#room.place) {
        this.#hand(recent.since(this.#place));
        if (!this.#isOver && !this.#full && this.#place === this.#room.place) this.#goLive();
        continue;
      }
      this.#mustRead = false;
      const page = await this.#room.read(this.#place, this.#limit);
      this.#isOver ||= !page;
      if (!page || this.#isOver) return;
      const deliveries = deliveriesOf(name, page, this.#place, false);
      this.#limit = nextLimit(deliveries, this.#limit);
      this.#hand(deliveries);
      if (page.messages.length > 0) continue;
      if (page.isTrimmed || this.#place < after) this.#place = after; // nothing between is kept
      // In another process it has had more than has come here yet: until that number it is told nothing
      else if (!this.#full && this.#place > this.#room.place) this.#goLive();
    }
  }

  /** Hands over events until no more can be taken; behind a gap always what is next, so that it is told once. */
  #hand(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      if (this.#isOver) return;
      this.#full = this.#sink(delivery) ?? undefined;
      if (delivery.event.gap) continue;
      this.#place = delivery.event.number;
      if (this.#full) return;
    }
  }
}

/** Waits until a promise has settled, however it did: a socket that was closed leaves its rooms by itself. */
async function settled(promise: PromiseLike<unknown>): Promise<void> {
  try {
    await promise;
  } catch {
    // it is told where the promise was made
  }
}
