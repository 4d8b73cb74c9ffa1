// A server's end of a connection in memory, for tests of what becomes of it when a request on it is accepted or refused.

import { assertRejects } from "@std/assert";
import { HandshakeError } from "../../mod.ts";
import { connectionPair, type PairedConnection } from "../../src/testing.ts";
import { RawPeer } from "./raw_peer.ts";

/** A server's end, and a client by hand that ends when the server has. */
export function pair(
  pairOptions: Parameters<typeof connectionPair>[0] = {},
): { conn: PairedConnection; peer: RawPeer } {
  const [far, conn] = connectionPair(pairOptions), peer = new RawPeer(far);
  peer.ended.then(() => peer.end(), () => {});
  return { conn, peer };
}

/** The failure of an accept. */
export async function failureOf(accepting: Promise<unknown>): Promise<HandshakeError> {
  return await assertRejects(() => accepting, HandshakeError);
}
