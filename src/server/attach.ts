// The door for other HTTP servers and clients: makes a WebSocket of a connection on which the upgrade is already done.

import { checkPrefix } from "../base/options.ts";
import { Connection } from "../connection/connection.ts";
import {
  checkConnectionOptions,
  type CheckedOptions,
  type ConnectionOptions,
  type StreamingOptions,
} from "../connection/connection_options.ts";
import type { ReceivedOrPieces } from "../connection/incoming_pieces.ts";
import type { WebSocketConnection } from "../connection/websocket_connection.ts";
import { quote } from "../errors/problem.ts";
import { parseExtensions } from "../http/field_values.ts";
import type { Agreement } from "../protocol/agreement.ts";
import { checkCompression, checkDeflate } from "../protocol/compression_options.ts";
import { transportOf } from "../runtime/choose.ts";
import type { ByteConnection } from "../transport/transport.ts";

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
  /** Bytes that were already read from the connection after the handshake: the first frames. */
  prefix?: Uint8Array | undefined;
}

/**
 * Makes a WebSocket of which long messages are handed over in pieces; everything else is as without `streamAbove`.
 *
 * @param conn The connection.
 * @param agreement What the handshake has agreed on.
 * @param options From which size on messages come in pieces, and the other options.
 * @returns The WebSocket, which is open.
 *
 * @example The type of a message, before it is there
 * ```ts
 * import { attach } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const agreement = { role: "client", protocol: "", extensions: "" } as const;
 * const prefix = Uint8Array.of(0x01, 2, 0x48, 0x69); // more of the message is to come
 * const socket = attach(connectionPair()[0], agreement, { prefix, streamAbove: 0 });
 * const { value } = await socket.readable.getReader().read();
 * const type = typeof value === "object" && !(value instanceof Uint8Array) ? value.type : undefined;
 *
 * assertEquals(type, "text");
 * socket.abort();
 * ```
 */
export function attach(
  conn: ByteConnection,
  agreement: Agreement,
  options: AttachOptions & StreamingOptions,
): WebSocketConnection<ReceivedOrPieces>;
/**
 * Makes a WebSocket of a connection on which the opening handshake is already done, in either role. The connection belongs
 * to the WebSocket from then on.
 *
 * @param conn The connection.
 * @param agreement What the handshake has agreed on, as {@linkcode answer} or {@linkcode confirm} gives it.
 * @param options Bytes that were already read, and limits.
 * @returns The WebSocket, which is open.
 * @throws {TypeError} When the agreement has no role or an unknown extension, when an option is wrong, or when the
 * connection is not a pair of unlocked streams.
 * @throws {RangeError} When a number among the options, or a window of the agreement, is out of its range.
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
export function attach(conn: ByteConnection, agreement: Agreement, options?: AttachOptions): WebSocketConnection;
export function attach(conn: ByteConnection, agreement: Agreement, options: AttachOptions = {}): WebSocketConnection {
  const { connection, prefix } = checkAttachOptions(options, agreement?.role);
  checkAgreement(agreement);
  return new Connection(transportOf(conn), agreement, connection, prefix);
}

/** {@linkcode AttachOptions}, checked and with their defaults. */
interface CheckedAttachOptions {
  readonly connection: CheckedOptions;
  readonly prefix: Uint8Array;
}

function checkAttachOptions(options: AttachOptions, role: Agreement["role"]): CheckedAttachOptions {
  const connection = checkConnectionOptions(options, checkCompression(options.compression, role));
  return { connection, prefix: checkPrefix(options.prefix) ?? new Uint8Array() };
}

/** It must have a role, and every extension that it names must be known and have what it needs. */
function checkAgreement(agreement: Agreement): void {
  if (agreement?.role !== "client" && agreement?.role !== "server") {
    throw new TypeError("Cannot attach: the role of the agreement must be client or server");
  }
  const { role, extensions, deflate } = agreement;
  const known = extensions === "" ? [] : parseExtensions(extensions);
  if (!known?.every(({ name }) => name === "permessage-deflate" && deflate)) {
    throw new TypeError(
      `Cannot attach: the extension ${quote(extensions)} is not supported, or agreement.deflate is missing`,
    );
  }
  if (deflate) checkDeflate(deflate, role);
}
