import { type DeflateAgreement } from "./compression_options.ts";

/**
 * What both ends have settled (RFC 6455 §4.1, §4.2.2): the role is ours, the rest is the connection's.
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
  /** Which end we are. */
  readonly role: "client" | "server";
  /** The subprotocol in use, or `""`. */
  readonly protocol: string;
  /** The extensions in use, as in Sec-WebSocket-Extensions, or `""`. */
  readonly extensions: string;
  /** What was agreed about compression, if anything was. */
  readonly deflate?: DeflateAgreement;
}
