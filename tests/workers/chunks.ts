// What is sent into a Worker and out of it: more than all buffers on the way may hold, and each message another one.

/** How many messages there are. */
export const COUNT = 1024;

/** The bytes of each. */
export const SIZE = 65_536;

/** The message with this index. */
export function chunkOf(index: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new Uint32Array(SIZE / 4).map((_, i) => Math.imul(i + 1, 2654435761) ^ index).buffer);
}
