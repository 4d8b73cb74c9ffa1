// The lingering close (RFC 9112 §9.6). A connection that is closed while the peer still sends is reset, and the reset can
// overtake what was written last, such as a refusal. So: half-close, read and discard until the peer ends, then close.

import type { Clock } from "../base/clock.ts";
import { Deadline } from "../base/timers.ts";
import type { Transport } from "./transport.ts";

/** The most bytes that are discarded before the connection is closed all the same. */
const MOST_DISCARDED = 256 * 1024;

/** How to linger. */
export interface LingerOptions {
  readonly clock: Clock;
  /** How long to wait for the peer to end, in milliseconds; 0: without a limit. */
  readonly timeout: number;
  /** `false` lets the peer end first, as a WebSocket client should (RFC 6455 §7.1.1). */
  readonly halfClose?: boolean;
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
export function linger(transport: Transport, { clock, timeout, halfClose = true, signal }: LingerOptions): Lingering {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const deadline = new Deadline(clock);
  const close = () => {
    deadline.clear();
    signal?.removeEventListener("abort", close);
    transport.abort();
    resolve();
  };
  let discarded = 0;
  deadline.set(timeout, close);
  signal?.addEventListener("abort", close);
  transport.start({
    onData(chunk) {
      discarded += chunk.length;
      if (discarded > MOST_DISCARDED) close();
    },
    onEnd: close,
    onDrained() {},
    onLost: close,
  });
  if (halfClose) transport.end();
  transport.resume();
  if (signal?.aborted) close();
  return { closed, close };
}
