// The lingering close (RFC 9112 §9.6): a connection that is closed while the peer still sends is reset, and the reset
// overtakes what was written last. So: half-close, read and throw away until the peer's end, close.

import { type Clock } from "../base/clock.ts";
import { Deadline } from "../base/timers.ts";
import { type Transport } from "./transport.ts";

/** At most this many bytes are thrown away. */
const LIMIT = 256 * 1024;

/** How to linger. */
export interface LingerOptions {
  readonly clock: Clock;
  /** How long to wait for the peer's end, in milliseconds; 0: for ever. */
  readonly timeout: number;
  /** `false` leaves ending first to the peer, as a WebSocket client should (RFC 6455 §7.1.1). */
  readonly halfClose?: boolean;
  /** Ends the patience. */
  readonly signal?: AbortSignal | undefined;
}

/** A close under way. */
export interface Lingering {
  /** Resolves when the transport is closed; never rejects. */
  readonly closed: Promise<void>;
  /** Closes it at once. */
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
  let count = 0;
  deadline.set(timeout, close);
  signal?.addEventListener("abort", close);
  transport.start({
    onData(chunk) {
      count += chunk.length;
      if (count > LIMIT) close();
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
