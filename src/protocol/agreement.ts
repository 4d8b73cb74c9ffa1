// The result of a handshake, which is all that the machine needs to know about it.

import type { DeflateAgreement } from "./compression_options.ts";

/**
 * What a handshake has agreed on (RFC 6455 §4.1, §4.2.2). Both ends have the same agreement, except for the role.
 *
 * @example From a decision to a connection
 * ```ts
 * import { type Agreement, answer, attach, offer } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const { request } = offer("ws://localhost/", { protocols: ["v2", "v1"] });
 * const agreement: Agreement = (await answer(request, { protocols: ["v1"] })).agreement!;
 * assertEquals(agreement, { role: "server", protocol: "v1", extensions: "" });
 *
 * const [conn] = connectionPair();
 * const socket = attach(conn, agreement);
 * assertEquals(socket.protocol, "v1");
 * socket.abort();
 * ```
 */
export interface Agreement {
  /** Which end of the connection we are. */
  readonly role: "client" | "server";
  /** The subprotocol that both ends use, or `""` for none. */
  readonly protocol: string;
  /** The extensions in use, as the server's Sec-WebSocket-Extensions field names them, or `""` for none. */
  readonly extensions: string;
  /** The parameters of permessage-deflate. Without them messages are not compressed. */
  readonly deflate?: DeflateAgreement;
}
