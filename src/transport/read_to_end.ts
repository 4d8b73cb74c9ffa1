// Reads a transport to its end, as a body that the end delimits: into memory, up to a limit, and within a time.

import { ByteBuilder } from "../base/byte_builder.ts";
import type { Clock } from "../base/clock.ts";
import { Deadline } from "../base/timers.ts";
import type { Transport } from "./transport.ts";

/** Limits of what is read. */
export interface ReadToEndOptions {
  /** The most bytes. */
  readonly limit: number;
  readonly clock: Clock;
  /** How long it may take, in milliseconds; 0 means no limit. */
  readonly timeout: number;
  readonly signal?: AbortSignal;
}

/** What was read. */
export interface ReadToEnd {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Why no more was read: at the peer's end, past the limit, for want of time or by the signal, or at a loss. */
  readonly ending: "end" | "limit" | "late" | "lost";
}

/** Reads until it ends; the transport is the caller's again then. */
export async function readToEnd(
  transport: Transport,
  { limit, clock, timeout, signal }: ReadToEndOptions,
): Promise<ReadToEnd> {
  const body = new ByteBuilder(), { promise, resolve } = Promise.withResolvers<ReadToEnd["ending"]>();
  const deadline = new Deadline(clock), late = () => resolve("late");
  deadline.set(timeout, late);
  signal?.addEventListener("abort", late);
  transport.start({
    onData(chunk) {
      const room = limit - body.length;
      body.add(chunk, 0, Math.min(chunk.length, room), Infinity);
      if (chunk.length <= room) return;
      transport.pause();
      resolve("limit");
    },
    onEnd: () => resolve("end"),
    onDrained() {},
    onLost: () => resolve("lost"),
  });
  if (signal?.aborted) late();
  else transport.resume();
  const ending = await promise;
  deadline.clear();
  signal?.removeEventListener("abort", late);
  transport.pause();
  return { bytes: body.take(), ending };
}
