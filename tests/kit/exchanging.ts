// What the tests of exchanges share: one, with a peer.

import { Exchange, type ExchangeOptions } from "../../src/exchange/exchange.ts";
import { transportOf } from "../../src/runtime/choose.ts";
import { connectionPair, type ConnectionPairOptions, fakeClock } from "../../src/testing.ts";
import { text } from "./harness.ts";
import { RawPeer } from "./raw_peer.ts";

/** An exchange, and its peer by hand. */
export function exchanging(options: Partial<ExchangeOptions> = {}, pair: ConnectionPairOptions = {}, reads = true) {
  const [far, conn] = connectionPair(pair), clock = fakeClock();
  const exchange = new Exchange(transportOf(conn), { clock, timeout: 1000, ...options });
  return { exchange, conn, clock, peer: new RawPeer(far, { reads }) };
}

/** What is read next, as text. */
export async function next(exchange: Exchange): Promise<string | undefined> {
  const chunk = await exchange.read();
  return chunk && text(chunk);
}
