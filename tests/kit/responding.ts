// What the tests of responses share: a connection with somebody who reads them, and bodies.

import { connectionPair, type ConnectionPairOptions, fakeClock } from "../../src/testing.ts";
import { RawPeer } from "./raw_peer.ts";

export const KEEP = { keepAlive: true };

/** A server's end, with a client that ends when the server has. */
export function pair(options: ConnectionPairOptions = {}, reads = true) {
  const [far, conn] = connectionPair(options), peer = new RawPeer(far, { reads }), clock = fakeClock();
  if (reads) peer.ended.then(() => peer.end(), () => {});
  return { conn, peer, clock };
}

/** A body that comes in pieces: text, so many `x`, or an error at its end. */
export function pieces(...list: (string | number | Error)[]): ReadableStream<Uint8Array> {
  const queue = list.values();
  return new ReadableStream({
    pull(controller) {
      const { value, done } = queue.next();
      if (done) controller.close();
      else if (value instanceof Error) controller.error(value);
      else if (typeof value === "number") controller.enqueue(new Uint8Array(value).fill(120));
      else controller.enqueue(new TextEncoder().encode(value));
    },
  });
}
