// Keep-alive and the idle timeout: stamps for what was received and sent, and one timer that looks at them. A ping leaves
// when either direction has been silent for `pingInterval`, so that proxies that cut silent connections see traffic both
// ways. A peer that gives no sign of life for `idleTimeout` is dropped, but never without a ping that had half of it to be
// answered.

import type { Clock } from "../base/clock.ts";
import { Timer } from "../base/timers.ts";

/** What the watch asks and tells its connection. */
export interface IdleHandlers {
  /** Whether we would notice traffic of the peer; if reading is paused, reads one chunk past the high-water mark. */
  look(): boolean;
  /** Whether something is written that the peer has not taken yet. */
  hasUnwritten(): boolean;
  /** A ping is due. */
  onPingDue(): void;
  /** The peer gave no sign of life for the whole timeout. */
  onSilence(): void;
}

/** The limits of a watch, as in the options of a connection: in milliseconds; 0 disables either. */
export interface IdleLimits {
  readonly clock: Clock;
  readonly pingInterval: number;
  readonly idleTimeout: number;
}

/** Watches one connection. */
export class IdleWatch extends Timer {
  readonly #limits: IdleLimits;
  readonly #handlers: IdleHandlers;
  #isRunning = false;
  /** When the peer last gave a sign of life, and when we last sent something. */
  #heard = 0;
  #sent = 0;
  /** When the first ping since the last sign of life left, if one has. */
  #pinged: number | undefined;
  /** Whether silence has counted against the peer since the last look: we could hear it, or it had something to take. */
  #counted = true;
  /** Whether something was unwritten at the last look, and whether some of it was written since then. */
  #wasUnwritten = false;
  #hasWritten = false;

  constructor(limits: IdleLimits, handlers: IdleHandlers) {
    super(limits.clock);
    this.#limits = limits;
    this.#handlers = handlers;
  }

  /** Begins, as if something had just been received and sent. */
  start(): void {
    const { pingInterval, idleTimeout } = this.#limits;
    if (this.#isRunning || pingInterval === 0 && idleTimeout === 0) return;
    this.#isRunning = true;
    this.#renew();
    this.#sent = this.#heard;
    this.#scheduleNext(this.#heard);
  }

  /** The peer gave a sign of life, or is given its time anew: from now on silence counts against it. */
  alive(): void {
    if (!this.#isRunning) return;
    this.#renew();
    this.#counted = true;
  }

  /** We stopped reading: from now on silence does not count against the peer, unless it has something to take. */
  standDown(): void {
    this.#counted = false;
  }

  /**
   * Something was sent.
   *
   * @param isAnswer Whether it answers the chunk that was just received: then the clock need not be asked.
   */
  onSent(isAnswer: boolean): void {
    if (this.#isRunning) this.#sent = isAnswer ? this.#heard : this.#now();
  }

  /**
   * A write is done. If the kernel took it at once, that proves nothing about the peer. It is a sign of life if the write
   * had to wait, or if something was unwritten at the last look.
   */
  onWritten(hasWaited: boolean): void {
    if (hasWaited || this.#wasUnwritten) this.#renew();
    else this.#hasWritten = true;
  }

  /** Ends. */
  stop(): void {
    this.#isRunning = false;
    this.clear();
  }

  /** In whole milliseconds: V8 keeps each number with a fraction on the heap. */
  #now(): number {
    return Math.floor(this.#limits.clock.now());
  }

  #renew(): void {
    this.#heard = this.#now();
    this.#pinged = undefined;
  }

  /** A look at the stamps is due. */
  onTimeout(): void {
    const now = this.#now(), unwritten = this.#handlers.hasUnwritten();
    const counts = unwritten || this.#handlers.look();
    const takesSlowly = this.#pinged !== undefined && unwritten && this.#hasWritten; // its pong is as late as its reads
    if (!counts || !this.#counted || takesSlowly) this.#renew();
    this.#counted = counts;
    this.#wasUnwritten = unwritten;
    this.#hasWritten = false;
    if (now >= this.#timeoutDue()) {
      this.stop();
      this.#handlers.onSilence();
      return;
    }
    if (now >= this.#pingDue()) {
      this.#pinged ??= now;
      this.#sent = now;
      this.#handlers.onPingDue();
    }
    if (this.#isRunning) this.#scheduleNext(now);
  }

  /** When the next ping is due. */
  #pingDue(): number {
    const { pingInterval, idleTimeout } = this.#limits;
    const interval = pingInterval || Infinity, half = idleTimeout / 2 || Infinity;
    const unheard = this.#pinged === undefined ? this.#heard + Math.min(interval, half) : Infinity;
    return Math.min(this.#sent + interval, unheard);
  }

  /** When the idle timeout expires: only after a ping that was not answered. */
  #timeoutDue(): number {
    const { idleTimeout } = this.#limits;
    if (idleTimeout === 0 || this.#pinged === undefined) return Infinity;
    return Math.max(this.#heard + idleTimeout, this.#pinged + idleTimeout / 2);
  }

  /** A timer may fire a little early: the next look is at least a millisecond away. */
  #scheduleNext(now: number): void {
    this.schedule(Math.max(1, Math.min(this.#pingDue(), this.#timeoutDue()) - now));
  }
}
