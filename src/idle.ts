// The idle timeout: a stamp for each sign of life, and one timer that looks at it; a ping at half of the time. Silence
// counts only while it is the peer's: when we read, or when it does not take what we write.

import type { Clock } from "./clock.ts";
import { Due } from "./deadline.ts";

/** What happens when nothing comes. */
export interface IdleHandlers {
  /** Whether silence is the peer's. */
  counts(): boolean;
  /** Whether it has yet to take something that was written. */
  waits(): boolean;
  /** Half of the time is over. */
  ping(): void;
  /** All of it is. */
  timeout(): void;
}

/** Watches one connection. */
export class IdleWatch extends Due {
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #handlers: IdleHandlers;
  #heard = 0;
  #pinged = false;
  #running = false;
  /** Whether something was yet to be taken at the last look. */
  #waited = false;

  /** @param timeout In milliseconds; 0 watches nothing. */
  constructor(clock: Clock, timeout: number, handlers: IdleHandlers) {
    super(clock);
    this.#clock = clock;
    this.#timeout = timeout;
    this.#handlers = handlers;
  }

  /** Begins, as if something had just come. */
  start(): void {
    if (this.#timeout === 0 || this.#running) return;
    this.#running = true;
    this.heard();
    this.allow(this.#timeout / 2);
  }

  /** The peer gave a sign of life, or is given its time anew. */
  heard(): void {
    if (!this.#running) return;
    this.#heard = this.#clock.now();
    this.#pinged = false;
  }

  /**
   * What was written is taken: by the kernel, mostly, and at once, which says nothing of the peer. It is a sign of life of
   * what was yet to be taken at the last look.
   */
  taken(): void {
    if (this.#waited) this.heard();
  }

  /** Ends. */
  stop(): void {
    this.#running = false;
    this.clear();
  }

  /** A look at the stamp is due. */
  fire(): void {
    const waits = this.#handlers.waits();
    // The answer to a ping may be as late as the peer takes slowly; what began to wait after it has its time
    if (!this.#handlers.counts() || this.#pinged && waits && !this.#waited) this.heard();
    this.#waited = waits;
    const idle = this.#clock.now() - this.#heard;
    if (idle >= this.#timeout) {
      this.stop();
      this.#handlers.timeout();
      return;
    }
    if (idle >= this.#timeout / 2 && !this.#pinged) {
      this.#pinged = true;
      this.#handlers.ping();
    }
    // a timer may fire a little early: at least a millisecond from now
    const next = this.#pinged ? this.#timeout : this.#timeout / 2;
    if (this.#running) this.allow(Math.max(1, next - idle));
  }
}
