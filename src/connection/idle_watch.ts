// The idle timeout: a stamp for each sign of life, and one timer that looks at it; a ping at half of the time. Silence
// counts only while it is the peer's: when we read, or when it does not take what we write.

import type { Clock } from "../base/clock.ts";
import { Timer } from "../base/timers.ts";

/** What happens when nothing comes. */
export interface IdleHandlers {
  /** Whether silence is the peer's. */
  silenceCounts(): boolean;
  /** Whether it has yet to take something that was written. */
  hasUnwritten(): boolean;
  /** Half of the time is over. */
  onHalfIdle(): void;
  /** All of it is. */
  onSilence(): void;
}

/** Watches one connection. */
export class IdleWatch extends Timer {
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #handlers: IdleHandlers;
  #heard = 0;
  #pinged = false;
  #running = false;
  /** Whether silence has been the peer's since the last look. */
  #counted = false;
  /** Whether something was yet to be taken at the last look, and whether something was taken since then. */
  #waited = false;
  #taken = false;

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
    this.#renew();
    this.#counted = this.#handlers.silenceCounts();
    this.schedule(this.#timeout / 2);
  }

  /** The same, and from now on silence is the peer's. */
  restart(): void {
    this.start();
    this.alive();
  }

  /** From now on silence is ours, unless the peer takes nothing. */
  standDown(): void {
    this.#counted = false;
  }

  /** The peer gave a sign of life, or is given its time anew: from now on silence is its. */
  alive(): void {
    if (!this.#running) return;
    this.#renew();
    this.#counted = true;
  }

  #renew(): void {
    this.#heard = this.#clock.now();
    this.#pinged = false;
  }

  /**
   * Something that was written is taken. That may have been the kernel, at once, which says nothing of the peer: it is a
   * sign of life if it was waited for, or if at the last look something was yet to be taken.
   */
  onWritten(hasWaited: boolean): void {
    if (hasWaited || this.#waited) this.#renew();
    else this.#taken = true;
  }

  /** Ends. */
  stop(): void {
    this.#running = false;
    this.clear();
  }

  /** A look at the stamp is due. */
  onTimeout(): void {
    const counts = this.#handlers.silenceCounts(), waits = this.#handlers.hasUnwritten();
    // When silence became the peer's is not known. And where it takes one thing after another, slowly, the answer to a
    // ping comes as late
    if (!counts || !this.#counted || this.#pinged && waits && this.#taken) this.#renew();
    this.#counted = counts;
    this.#waited = waits;
    this.#taken = false;
    const idle = this.#clock.now() - this.#heard;
    if (idle >= this.#timeout) {
      this.stop();
      this.#handlers.onSilence();
      return;
    }
    if (idle >= this.#timeout / 2 && !this.#pinged) {
      this.#pinged = true;
      this.#handlers.onHalfIdle();
    }
    // a timer may fire a little early: at least a millisecond from now
    const next = this.#pinged ? this.#timeout : this.#timeout / 2;
    if (this.#running) this.schedule(Math.max(1, next - idle));
  }
}
