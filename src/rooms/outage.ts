// Whether the engine can be used: it cannot when its relay says so, or while calls fail again and again. An outage is told
// once, and once that it is over.

import type { CheckedRoomsOptions } from "./rooms_options.ts";

/** What is asked of a relay. */
export type RelayCall = "publish" | "read" | "subscribe";

/** The outage of an engine, or that there is none. */
export class Outage {
  readonly #options: Pick<CheckedRoomsOptions, "onError" | "onRecovery">;
  /** What the relay has said, until it says that it is over. */
  #down: { readonly error: unknown } | undefined;
  /** The calls that fail, until one of their kind succeeds, and in which rooms they are tried again. */
  readonly #failing = new Map<RelayCall, Set<string>>();
  #isTold = false;
  #isOver = false;

  constructor(options: Pick<CheckedRoomsOptions, "onError" | "onRecovery">) {
    this.#options = options;
  }

  /** Whether the relay has said that the engine cannot be used. */
  get isDown(): boolean {
    return this.#down !== undefined;
  }

  /** Why, while it is so. */
  get cause(): unknown {
    return this.#down?.error;
  }

  /** The relay says that the engine cannot be used. */
  down(error: unknown): void {
    if (this.#isOver) return;
    this.#down ??= { error };
    this.#tell(error);
  }

  /** The relay says that it can again: what has failed is tried now. */
  up(): void {
    this.#down = undefined;
    this.#failing.clear();
    this.#tellIfRecovered();
  }

  /** A call has failed: the first attempt, 0, or a later one. */
  failed(call: RelayCall, room: string, error: unknown, attempt: number): void {
    // Not the first one, which may be for a lost connection that is about to be told of
    if (attempt === 0 || this.#down || this.#isOver) return;
    const rooms = this.#failing.get(call) ?? new Set();
    this.#failing.set(call, rooms.add(room));
    this.#tell(error, room);
  }

  /** A call has succeeded. */
  succeeded(call: RelayCall, room: string): void {
    const rooms = this.#failing.get(call);
    if (!rooms) return;
    rooms.delete(room);
    if (rooms.size === 0) this.#failing.delete(call);
    this.#tellIfRecovered();
  }

  /** A call that has failed is not tried again, which says nothing of the engine. */
  givenUp(call: RelayCall, room: string): void {
    this.#failing.get(call)?.delete(room);
  }

  /** Nothing is told any more. */
  end(): void {
    this.#isOver = true;
  }

  #tell(error: unknown, room?: string): void {
    if (this.#isTold) return;
    this.#isTold = true;
    this.#options.onError(error, room === undefined ? { kind: "relay" } : { kind: "relay", room });
  }

  #tellIfRecovered(): void {
    if (!this.#isTold || this.#down || this.#failing.size > 0 || this.#isOver) return;
    this.#isTold = false;
    this.#options.onRecovery();
  }
}
