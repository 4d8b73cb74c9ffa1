// A relay in memory that can be made to fail, as an engine behind a network does.

import { memoryRelay, type MemoryRelayOptions } from "../../src/rooms/memory_relay.ts";
import type { Relay, RelayDraft, RelayListener, RelayPage } from "../../src/rooms/relay.ts";

/** A relay that counts its calls, and fails as it is told to. */
export class ShakyRelay implements Relay {
  readonly #relay: Relay;
  #listener: RelayListener | undefined;
  /** Messages of each call of `publish()`. */
  readonly batches: string[][] = [];
  /** Rooms that are subscribed to. */
  readonly subscribed = new Set<string>();
  readonly reads: [room: string, after: number, limit: number][] = [];
  /** Whether calls fail; `"stored"` has `publish()` fail after it has stored. */
  fails: boolean | "stored" = false;
  /** Whether messages are not told. */
  isDeaf = false;
  /** What `read()` and `publish()` wait for before they give what they have. */
  held: Promise<void> | undefined;
  /** Whether `publish()` never settles. */
  hangs = false;

  constructor(options: MemoryRelayOptions = {}) {
    this.#relay = memoryRelay(options);
  }

  start(listener: RelayListener): void {
    this.#listener = listener;
    this.#relay.start({
      ...listener,
      onMessage: (...message) => {
        if (!this.isDeaf) listener.onMessage(...message);
      },
    });
  }

  down(): void {
    this.fails = this.isDeaf = true;
    this.#listener!.onDown(new Error("The engine has gone home"));
  }

  up(): void {
    this.fails = this.isDeaf = false;
    this.#listener!.onUp();
  }

  /** Tells a message, whatever was told before. */
  tell(...[room, message, previous]: Parameters<RelayListener["onMessage"]>): void {
    this.#listener!.onMessage(room, message, previous);
  }

  /** As another process publishes. */
  async publishElsewhere(room: string, ...messages: string[]): Promise<readonly number[]> {
    return await this.#relay.publish(room, messages.map((data) => ({ id: crypto.randomUUID(), data })));
  }

  #check(): void {
    if (this.fails) throw new Error("The engine does not answer");
  }

  async publish(room: string, drafts: readonly RelayDraft[]): Promise<readonly number[]> {
    this.batches.push(drafts.map(({ data }) => `${data}`));
    if (this.hangs) await new Promise(() => {});
    if (this.fails !== "stored") this.#check();
    const numbers = await this.#relay.publish(room, drafts);
    await this.held;
    this.#check();
    return numbers;
  }

  async read(room: string, after: number, limit: number): Promise<RelayPage> {
    this.reads.push([room, after, limit]);
    this.#check();
    const page = await this.#relay.read(room, after, limit);
    await this.held;
    return page;
  }

  async subscribe(room: string): Promise<number> {
    this.#check();
    this.subscribed.add(room);
    return await this.#relay.subscribe(room);
  }

  unsubscribe(room: string): void {
    this.subscribed.delete(room);
    this.#relay.unsubscribe(room);
  }

  close(): Promise<void> {
    return this.#relay.close();
  }
}
