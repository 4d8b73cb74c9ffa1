// The third door, for somebody else's HTTP server: a connection whose upgrade is already answered.

import { checkPrefix } from "../base/options.ts";
import { Connection } from "../connection/connection.ts";
import { checkConnectionOptions, type ConnectionOptions } from "../connection/options.ts";
import { type WebSocketConnection } from "../connection/websocket_connection.ts";
import { quote } from "../errors/problem.ts";
import { parseExtensions } from "../http/field_values.ts";
import { type Agreement } from "../protocol/agreement.ts";
import { checkCompression, checkDeflate } from "../protocol/compression_options.ts";
import { transportOf } from "../runtime/choose.ts";
import { type ByteConnection } from "../transport/transport.ts";

/**
 * Options of {@linkcode attach}.
 *
 * @example A frame that came together with the head
 * ```ts
 * import { attach, type AttachOptions } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const options: AttachOptions = { prefix: Uint8Array.of(0x81, 2, 0x48, 0x69) };
 * const [conn] = connectionPair();
 * const socket = attach(conn, { role: "client", protocol: "", extensions: "" }, options);
 *
 * assertEquals((await socket.readable.getReader().read()).value, "Hi");
 * socket.abort();
 * ```
 */
export interface AttachOptions extends ConnectionOptions {
  /** Bytes that were already read from the connection: the first frames. */
  prefix?: Uint8Array | undefined;
}

/**
 * Makes a WebSocket of a connection on which the handshake is done. The connection belongs to it from then on.
 *
 * @param conn The connection.
 * @param agreement What {@linkcode answer} or {@linkcode confirm} has settled.
 * @param options Bytes already read, and limits.
 * @returns The WebSocket.
 * @throws {TypeError} When the agreement has no role, or extensions that are not known; when the connection is not a pair of unlocked streams.
 * @throws {RangeError} When an option is out of its range.
 *
 * @example Usage
 * ```ts
 * import { attach } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const [here, there] = connectionPair();
 * const client = attach(here, { role: "client", protocol: "", extensions: "" });
 * const server = attach(there, { role: "server", protocol: "", extensions: "" });
 *
 * client.send("Hello");
 * assertEquals((await server.readable.getReader().read()).value, "Hello");
 * client.abort();
 * server.abort();
 * ```
 */
export function attach(conn: ByteConnection, agreement: Agreement, options: AttachOptions = {}): WebSocketConnection {
  const checked = checkConnectionOptions(options);
  checkCompression(options.compression, agreement?.role);
  checkPrefix(options.prefix);
  if (agreement?.role !== "client" && agreement?.role !== "server") {
    throw new TypeError("Cannot attach: the role of the agreement must be client or server");
  }
  checkAgreement(agreement);
  return new Connection(transportOf(conn), agreement, checked, options.prefix ?? new Uint8Array());
}

/** Extensions must be ones that are known, and each must have what it needs. */
function checkAgreement({ role, extensions, deflate }: Agreement): void {
  const known = extensions === "" ? [] : parseExtensions(extensions);
  if (!known?.every(({ name }) => name === "permessage-deflate" && deflate)) {
    throw new TypeError(
      `Cannot attach: the extension ${quote(extensions)} is not known, or says nothing of its windows`,
    );
  }
  if (deflate) checkDeflate(deflate, role);
}
