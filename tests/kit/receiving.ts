// Messages that come one by one, for handlers that keep them, and for those that don't.

import { attach, type ByteConnection } from "../../mod.ts";

/**
 * Sends a hundred messages of `size` bytes, filled with their numbers, each in a chunk of its own: the second of two once
 * the handler has got the first, the next two once it is done with both. Gives what it has seen of each.
 */
export async function receiveTwos<Seen>(
  [a, b]: readonly [ByteConnection, ByteConnection],
  size: number,
  reuse: boolean,
  see: (message: Uint8Array<ArrayBuffer>) => Seen | Promise<Seen>,
): Promise<Seen[]> {
  const seen: Seen[] = [];
  const client = attach(a, { role: "client", protocol: "", extensions: "" });
  const server = attach(b, { role: "server", protocol: "", extensions: "" });
  let got = Promise.withResolvers<void>(), done = Promise.withResolvers<void>();
  const received = server.receive((message) => {
    const one = see(message as Uint8Array<ArrayBuffer>);
    got.resolve();
    const keep = (one: Seen) => void (seen.push(one) % 2 === 0 && done.resolve());
    return one instanceof Promise ? one.then(keep) : keep(one);
  }, { reuse });
  for (let i = 0; i < 100; i += 2) {
    got = Promise.withResolvers();
    done = Promise.withResolvers();
    client.send(new Uint8Array(size).fill(i));
    await got.promise;
    client.send(new Uint8Array(size).fill(i + 1));
    await done.promise;
  }
  await client.close();
  await received;
  return seen;
}
