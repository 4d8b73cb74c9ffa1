// One room in this process: it has one subscription at the relay, which its followers share, and knows the number of the
// message that came last. Where a message is missing before one that comes, or after an outage, it reads what it has missed
// before it goes on.

import { Delivery } from "./event.ts";
import { deliveriesOf, FIRST_PAGE, type FollowedRoom, Follower, nextLimit, type Sink } from "./follower.ts";
import type { Outage, RelayCall } from "./outage.ts";
import { Recent, type RecentTotal } from "./recent.ts";
import { isCut, type Relay, type RelayedMessage, type RelayPage } from "./relay.ts";
import type { Retry } from "./retry.ts";

/** What a room needs of its rooms. */
export interface RoomHost {
  readonly relay: Relay;
  readonly retry: Retry;
  readonly recentTotal: RecentTotal;
  readonly outage: Outage;
  /** A method has thrown that never should. */
  onBroken(error: unknown, room: string): void;
  /** The last follower has left, or the rooms are closed. */
  onRoomOver(room: Room): void;
}

/** A room, as long as somebody follows it. */
export class Room implements FollowedRoom {
  readonly name: string;
  readonly recent: Recent;
  /** Resolves once messages come, or the room is over. */
  readonly ready: Promise<void>;
  readonly #host: RoomHost;
  /** By the socket, or whatever else knows one again. */
  readonly #followers = new Map<object, Follower>();
  #place = 0;
  #isSubscribed = false;
  #isOver = false;
  /** Whether what was missed is being read. */
  #isReading = false;
  /** The largest number that was told since reading began: it may be more than was read. */
  #told = 0;
  /** What comes while a message is handed out, because a handler publishes. */
  #waiting: Delivery[] | undefined;

  constructor(name: string, host: RoomHost) {
    this.name = name;
    this.#host = host;
    this.recent = new Recent(host.recentTotal);
    this.ready = this.#subscribe();
  }

  get place(): number {
    return this.#place;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get keys(): IterableIterator<object> {
    return this.#followers.keys();
  }

  has(key: object): boolean {
    return this.#followers.has(key);
  }

  /** Adds a follower, who starts when the room is ready. */
  add(key: object, sink: Sink): Follower {
    const follower = new Follower(this, sink);
    this.#followers.set(key, follower);
    return follower;
  }

  /** Whether it was there. */
  remove(key: object): boolean {
    const follower = this.#followers.get(key);
    if (!follower) return false;
    follower.end();
    this.#followers.delete(key);
    if (this.#followers.size === 0) this.end();
    return true;
  }

  /** Ends it for all who are there, of whom it still knows that they were. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const follower of this.#followers.values()) follower.end();
    this.#host.onRoomOver(this);
    try {
      this.#host.relay.unsubscribe(this.name);
    } catch (error) {
      this.#host.onBroken(error, this.name);
    }
  }

  async #subscribe(): Promise<void> {
    const { relay } = this.#host;
    this.#isReading = true;
    const place = await this.#untilDone("subscribe", () => relay.subscribe(this.name));
    if (place === undefined) return;
    this.#place = place;
    this.#isSubscribed = true;
    this.#isReading = false;
    if (this.#told > place) void this.catchUp();
  }

  read(after: number, limit: number): Promise<RelayPage | undefined> {
    return this.#untilDone("read", () => this.#host.relay.read(this.name, after, limit));
  }

  /** Tries until it succeeds; gives `undefined` when the room is over. */
  async #untilDone<T>(call: RelayCall, attempt: () => Promise<T>): Promise<T | undefined> {
    const { outage, retry } = this.#host;
    for (let failed = 0; !this.#isOver; failed++) {
      try {
        const result = await attempt();
        outage.succeeded(call, this.name);
        return this.#isOver ? undefined : result;
      } catch (error) {
        if (this.#isOver) break;
        outage.failed(call, this.name, error, failed);
        await retry.pause(failed);
      }
    }
    outage.givenUp(call, this.name);
    return undefined;
  }

  /** A message has come. */
  onMessage({ number, data }: RelayedMessage, previous: number): void {
    if (this.#isReading) this.#told = Math.max(this.#told, number);
    else if (number <= this.#taken) return;
    else if (isCut(previous, this.#taken)) void this.catchUp();
    else this.#deliver(new Delivery({ room: this.name, number, message: data }, true));
  }

  /** The number of the last message that it has, handed out or not. */
  get #taken(): number {
    return this.#waiting?.at(-1)?.event.number ?? this.#place;
  }

  /** Reads what it has missed, if anything. */
  async catchUp(): Promise<void> {
    if (this.#isReading || !this.#isSubscribed) return;
    this.#isReading = true;
    this.#told = 0;
    let limit = FIRST_PAGE;
    for (;;) {
      const told = this.#told, after = this.#taken;
      const page = await this.read(after, limit);
      if (!page) return;
      const deliveries = deliveriesOf(this.name, page, after, true);
      if (page.isTrimmed) this.#restart(page.messages[0]?.number);
      for (const delivery of deliveries) this.#deliver(delivery);
      if (page.messages.length === 0 && told === this.#told) break;
      limit = nextLimit(deliveries, limit);
    }
    this.#isReading = false;
  }

  /** The numbers may have begun anew, and be smaller than what was. */
  #restart(next: number | undefined): void {
    if (next !== undefined && next > this.#place) return;
    this.#place = 0;
    this.recent.restart(0);
    for (const follower of this.#followers.values()) follower.restart(0);
  }

  /** Hands out one after the other, also when a handler publishes the next one meanwhile. */
  #deliver(delivery: Delivery): void {
    if (this.#waiting) return void this.#waiting.push(delivery);
    const waiting = this.#waiting = [delivery];
    try {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        this.#place = next.event.number ?? this.#place;
        if (next.event.gap) this.recent.restart(this.#place);
        else this.recent.add(next);
        for (const follower of this.#followers.values()) follower.onDelivery(next);
      }
    } finally {
      this.#waiting = undefined;
    }
  }
}
