// The messages of one room that are on their way to the relay: one call at a time, so that they are stored in the order in
// which they were published. What fails is sent again, with the same ids, before what came after it.

import type { Clock } from "../base/clock.ts";
import type { Outage } from "./outage.ts";
import type { Relay, RelayDraft } from "./relay.ts";
import type { Retry } from "./retry.ts";

/** How many messages a call has at most, and about how many bytes. */
const MAX_BATCH = 128, MAX_BATCH_BYTES = 1024 * 1024;

/** What a message in a queue counts beside its bytes. */
const OVERHEAD = 200;

/** What all queues together hold, and may. */
export interface QueueBudget {
  messages: number;
  bytes: number;
  readonly maxMessages: number;
  readonly maxBytes: number;
}

/** What a queue needs of its rooms. */
export interface QueueHost {
  readonly relay: Relay;
  readonly retry: Retry;
  readonly clock: Clock;
  readonly budget: QueueBudget;
  /** How long a message may wait, in milliseconds; 0 for any time. */
  readonly publishTimeout: number;
  readonly outage: Outage;
  onQueueEmpty(queue: PublishQueue): void;
}

/** A message that waits, and whom it concerns. */
interface Waiting {
  readonly draft: RelayDraft;
  readonly bytes: number;
  /** When it has waited too long. */
  readonly due: number;
  readonly stored: PromiseWithResolvers<number>;
}

/** The queue of a room, as long as there is something in it. */
export class PublishQueue {
  readonly room: string;
  readonly #host: QueueHost;
  #waiting: Waiting[] = [];
  #isRunning = false;
  #timer: unknown;
  #isOver = false;
  /** Why the last call has failed, if it has. */
  #error: unknown;

  constructor(room: string, host: QueueHost) {
    this.room = room;
    this.#host = host;
  }

  /** Why messages wait, if it is known. */
  get #cause(): unknown {
    return this.#host.outage.cause ?? this.#error;
  }

  /**
   * Adds a message.
   *
   * @returns Its number, once it is stored.
   * @throws {DOMException} `QuotaExceededError` when there is no room for it.
   */
  add(draft: RelayDraft): Promise<number> {
    const { budget, clock, publishTimeout } = this.#host, { data } = draft;
    const bytes = OVERHEAD + (typeof data === "string" ? 2 * data.length : data.byteLength);
    if (budget.messages + 1 > budget.maxMessages || budget.bytes + bytes > budget.maxBytes && budget.messages > 0) {
      throw failure(
        "QuotaExceededError",
        `${budget.messages} messages of ${budget.bytes} bytes already wait; maxQueuedMessages is ` +
          `${budget.maxMessages}, maxQueuedBytes is ${budget.maxBytes}`,
        this.#cause,
      );
    }
    budget.messages++;
    budget.bytes += bytes;
    const stored = Promise.withResolvers<number>();
    stored.promise.catch(() => {}); // who does not wait for it need not handle it
    const due = publishTimeout > 0 ? clock.now() + publishTimeout : Infinity;
    this.#waiting.push({ draft, bytes, due, stored });
    this.#watch();
    if (!this.#isRunning) void this.#run();
    return stored.promise;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    await undefined; // what is published in a row goes in one call
    for (let failed = 0; this.#waiting.length > 0;) {
      const batch = this.#nextBatch();
      try {
        const numbers = await this.#host.relay.publish(this.room, batch.map(({ draft }) => draft));
        failed = 0;
        this.#error = undefined;
        this.#host.outage.succeeded("publish", this.room);
        for (const [i, { stored }] of batch.entries()) stored.resolve(numbers[i]!);
        // Those of them that still wait are the first: some may have waited too long meanwhile
        const done = new Set(batch), next = this.#waiting.findIndex((waiting) => !done.has(waiting));
        this.#free(this.#waiting.splice(0, next < 0 ? batch.length : next));
      } catch (error) {
        if (this.#isOver) return;
        this.#error = error;
        this.#host.outage.failed("publish", this.room, error, failed);
        await this.#host.retry.pause(failed++);
      }
    }
    this.#isRunning = false;
    this.#finish();
  }

  #nextBatch(): Waiting[] {
    let bytes = 0;
    const batch = this.#waiting.slice(0, MAX_BATCH);
    const end = batch.findIndex((waiting, i) => (bytes += waiting.bytes) > MAX_BATCH_BYTES && i > 0);
    return end < 0 ? batch : batch.slice(0, end);
  }

  #free(done: readonly Waiting[]): void {
    const { budget } = this.#host;
    budget.messages -= done.length;
    for (const { bytes } of done) budget.bytes -= bytes;
  }

  /** Has a timer run for the message that waits longest. */
  #watch(): void {
    const { clock } = this.#host, due = this.#waiting[0]?.due ?? Infinity;
    if (this.#timer !== undefined || due === Infinity) return;
    this.#timer = clock.setTimeout(() => {
      this.#timer = undefined;
      const now = clock.now(), { publishTimeout } = this.#host;
      const message =
        `it could not be stored within publishTimeout, ${publishTimeout} milliseconds. It may be stored ` +
        "nevertheless: publish it again with the same id";
      this.#giveUp((waiting) => waiting.due <= now, () => failure("TimeoutError", message, this.#cause));
      this.#watch();
    }, Math.max(0, due - clock.now()));
  }

  #giveUp(isDue: (waiting: Waiting) => boolean, errorOf: () => DOMException): void {
    const due = this.#waiting.filter(isDue);
    this.#waiting = this.#waiting.filter((waiting) => !isDue(waiting));
    this.#free(due);
    for (const { stored } of due) stored.reject(errorOf());
  }

  #finish(): void {
    this.#host.outage.givenUp("publish", this.room);
    if (this.#timer !== undefined) this.#host.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#host.onQueueEmpty(this);
  }

  /** Rejects what waits: the rooms are closed. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#giveUp(() => true, () => failure("InvalidStateError", "the rooms were closed first", this.#cause));
    this.#finish();
  }
}

/** The error of a message that was not published. */
export function failure(name: string, why: string, cause?: unknown): DOMException {
  const error = new DOMException(`Cannot publish: ${why}`, name);
  return cause === undefined ? error : Object.defineProperty(error, "cause", { value: cause, configurable: true });
}
