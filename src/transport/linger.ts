// The lingering close (RFC 9112 §9.6, RFC 6455 §7.1.1). A connection that is closed while the peer still sends is reset, and
// the reset can overtake what was written last, such as a refusal or a Close frame. So: half-close, read and discard until
// the peer ends, then close. What bounds it is time: a count of bytes that a fast link brings in a millisecond would bring
// the reset back.

import type { Clock } from "../base/clock.ts";
import { Timer } from "../base/timers.ts";
import type { Transport, TransportHandlers } from "./transport.ts";

/** How long the peer has to read the last words and to end, in milliseconds, unless the caller gives it less. */
export const LINGER_TIME = 2000;

/**
 * The most bytes that are discarded before the connection is closed all the same. Many clients look at what has come only
 * once they have sent a message, or a body, as a whole: it is far more than those are, and what a link of a gigabit brings
 * in the time that there is. Only who floods a fast link meets it, and takes half a second of one core at most.
 */
const MOST_DISCARDED = 256 * 2 ** 20;

/** How to linger. */
export interface LingerOptions {
  readonly clock: Clock;
  /** How long to wait for the peer to end, in milliseconds: at most {@linkcode LINGER_TIME}, which is also what 0 means. */
  readonly timeout: number;
  /** `false` lets the peer end first, as a WebSocket client should (RFC 6455 §7.1.1). */
  readonly halfClose?: boolean;
  /**
   * What is still to be written, before the half-close, as soon as the peer has sent anything: many HTTP clients take a
   * response that precedes its request for a mistake. Who sends nothing for the `timeout` is told nothing; from the words
   * on it has the time once more. They must not change.
   */
  readonly lastWords?: Uint8Array<ArrayBuffer>;
  /** Closes at once when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Called when the transport is closed. */
  readonly onClosed?: () => void;
}

/** Closes a transport on which nothing is being written. */
export function linger(transport: Transport, options: LingerOptions): Lingering {
  return new Lingering(transport, options);
}

/** A lingering close under way. */
export class Lingering extends Timer implements TransportHandlers {
  readonly #transport: Transport;
  readonly #options: LingerOptions;
  /** What is to be said, whether it is being said, and whether the peer has ended meanwhile. */
  #words: Uint8Array<ArrayBuffer> | undefined;
  #isTelling = false;
  #hasEnded = false;
  #discarded = 0;
  #isClosed = false;
  /** Made when somebody asks for it, which a connection does not. */
  #closed: PromiseWithResolvers<void> | undefined;

  constructor(transport: Transport, options: LingerOptions) {
    super(options.clock);
    this.#transport = transport;
    this.#options = options;
    this.#words = options.lastWords;
    this.#allow();
    const { signal } = options;
    signal?.addEventListener("abort", this);
    transport.start(this);
    if (this.#words) transport.resume();
    else this.#end();
    if (signal?.aborted) this.close();
  }

  /** Resolves when the transport is closed; never rejects. */
  get closed(): Promise<void> {
    if (!this.#closed) {
      this.#closed = Promise.withResolvers();
      if (this.#isClosed) this.#closed.resolve();
    }
    return this.#closed.promise;
  }

  /** Closes at once. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.clear();
    this.#options.signal?.removeEventListener("abort", this);
    this.#transport.abort();
    this.#closed?.resolve();
    this.#options.onClosed?.();
  }

  #allow(): void {
    const { timeout } = this.#options;
    this.schedule(timeout === 0 ? LINGER_TIME : Math.min(timeout, LINGER_TIME));
  }

  #tell(words: Uint8Array<ArrayBuffer>): void {
    this.#words = undefined;
    this.#isTelling = true;
    this.#allow();
    if (this.#transport.write(words)) this.onDrained();
  }

  #end(): void {
    if (this.#options.halfClose ?? true) this.#transport.end();
    this.#transport.resume();
  }

  /** The signal aborts. */
  handleEvent(): void {
    this.close();
  }

  onTimeout(): void {
    this.close();
  }

  onData(chunk: Uint8Array<ArrayBuffer>): boolean {
    this.#discarded += chunk.length;
    if (this.#discarded > MOST_DISCARDED) this.close();
    else if (this.#words) this.#tell(this.#words);
    return true;
  }

  onEnd(): void {
    this.#hasEnded = true;
    if (!this.#isTelling) this.close();
  }

  onDrained(): void {
    if (!this.#isTelling) return;
    this.#isTelling = false;
    if (this.#hasEnded) this.close();
    else this.#end();
  }

  onLost(): void {
    this.close();
  }
}
