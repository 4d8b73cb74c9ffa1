// The lingering close (RFC 9112 §9.6, RFC 6455 §7.1.1). A connection that is closed while the peer still sends is reset, and
// the reset can overtake what was written last, such as a refusal or a Close frame. So: half-close, read and discard until
// the peer ends, then close. What bounds it is time: a count of bytes that a fast link brings in a millisecond would bring
// the reset back.

import type { Clock } from "../base/clock.ts";
import { Deadline } from "../base/timers.ts";
import type { Transport } from "./transport.ts";

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
}

/** A lingering close under way. */
export interface Lingering {
  /** Resolves when the transport is closed; never rejects. */
  readonly closed: Promise<void>;
  /** Closes at once. */
  close(): void;
}

/** Closes a transport on which nothing is being written. */
export function linger(transport: Transport, options: LingerOptions): Lingering {
  const { clock, timeout, halfClose = true, lastWords, signal } = options;
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const deadline = new Deadline(clock);
  const close = () => {
    deadline.clear();
    signal?.removeEventListener("abort", close);
    transport.abort();
    resolve();
  };
  const allow = () => deadline.set(timeout === 0 ? LINGER_TIME : Math.min(timeout, LINGER_TIME), close);
  /** What is to be said, whether it is being said, and what comes then. */
  let words = lastWords, isTelling = false, discarded = 0;
  const end = () => {
    isTelling = false;
    if (halfClose) transport.end();
    transport.resume();
  };
  let onTold = end;
  const tell = (bytes: Uint8Array<ArrayBuffer>) => {
    words = undefined;
    isTelling = true;
    allow();
    if (transport.write(bytes)) onTold();
  };
  allow();
  signal?.addEventListener("abort", close);
  transport.start({
    onData(chunk) {
      discarded += chunk.length;
      if (discarded > MOST_DISCARDED) close();
      else if (words) tell(words);
    },
    onEnd: () => isTelling ? onTold = close : close(),
    onDrained: () => onTold(),
    onLost: close,
  });
  if (words) transport.resume();
  else end();
  if (signal?.aborted) close();
  return { closed, close };
}
