// Lets what the streams of a session write in one turn leave in one write of the socket. Node does so by itself. Deno gives
// each frame to the socket alone, and Bun writes whatever there is when one of the streams reads on.

import type { Http2Stream } from "node:http2";
import { nextTick } from "node:process";
import type { Writable } from "node:stream";
import { nextTurn } from "../base/clock.ts";

/** Below this many bytes Bun gathers frames of several writes, in 16 KiB. */
const BUN_GATHERS = 4096;

/** What holds writes back, and when they go on: behind Deno's own tick, which takes the frames from its HTTP/2 layer. */
const [holderOf, later]: [
  (stream: Http2Stream, length: number) => Writable | undefined,
  (callback: () => void) => void,
] = "Deno" in globalThis
  ? [(stream) => stream.session?.socket, nextTick]
  : "Bun" in globalThis
  ? [(stream, length) => length < BUN_GATHERS ? stream : undefined, nextTurn]
  : [() => undefined, nextTurn];

/** What lets them go on at the end of this turn. A session that is destroyed by then no longer tells its socket. */
let corked: (() => void)[] = [];

function uncork(): void {
  const all = corked;
  corked = [];
  for (const uncork of all) uncork();
}

/** Writes to a stream, together with what others of its session write in this turn. */
export function writeTogether(stream: Http2Stream, bytes: Uint8Array, callback: (error?: Error | null) => void): void {
  const holder = holderOf(stream, bytes.length), isFirst = holder !== undefined && holder.writableCorked === 0;
  if (isFirst) holder.cork();
  stream.write(bytes, callback);
  if (isFirst && corked.push(holder.uncork.bind(holder)) === 1) later(uncork);
}
