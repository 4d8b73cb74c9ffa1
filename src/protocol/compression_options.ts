// The parameters of permessage-deflate (RFC 7692 §7.1) in their three forms: the option of the application, the offer
// of a client, and the agreement of a handshake. Each is checked here, and options get their defaults.

import { checkBoolean, checkNumber, DEFAULTS, inRange, optional } from "../base/options.ts";

/**
 * The parameters of permessage-deflate that a handshake has agreed on, by their names in RFC 7692 §7.1.
 *
 * @example What is in use
 * ```ts
 * import { answer, type DeflateAgreement, offer } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const { request } = offer("ws://localhost/", { compression: { serverMaxWindowBits: 10 } });
 * const { agreement } = await answer(request, { compression: true });
 *
 * const deflate: DeflateAgreement = agreement!.deflate!;
 * assertEquals([deflate.serverMaxWindowBits, deflate.clientMaxWindowBits], [10, 15]);
 * assertEquals(agreement!.extensions, "permessage-deflate; server_max_window_bits=10");
 * ```
 */
export interface DeflateAgreement {
  /** The server compresses with a window of at most 2 to the power of this many bytes: 8 to 15. */
  readonly serverMaxWindowBits: number;
  /** The client compresses with a window of at most 2 to the power of this many bytes: 8 to 15. */
  readonly clientMaxWindowBits: number;
  /** Whether the server compresses each message by itself, with an empty window. */
  readonly serverNoContextTakeover: boolean;
  /** Whether the client compresses each message by itself, with an empty window. */
  readonly clientNoContextTakeover: boolean;
}

/**
 * How messages are compressed. Unless its window and memory level are set, a side compresses with a window of 4 KiB and
 * memory level 5, even where a larger window was agreed: this gives most of the gain for an eighth of the memory.
 *
 * @example Nothing is kept between messages
 * ```ts
 * import { accept, type CompressionOptions, connect } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const compression: CompressionOptions = { serverNoContextTakeover: true, clientNoContextTakeover: true };
 * const [conn, server] = connectionPair();
 * const [socket, accepted] = await Promise.all([
 *   connect("ws://localhost/", { conn, compression: true }),
 *   accept(server, { compression }),
 * ]);
 *
 * assertEquals(socket.extensions, "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
 * for (const end of [socket, accepted]) end.abort();
 * ```
 */
export interface CompressionOptions {
  /**
   * Limits the window that the server compresses with to 2 to the power of this many bytes: 8 to 15, or 9 to 15 at a
   * server. Larger windows take more memory at both ends. A server that does not set it agrees to 15 but compresses
   * with 12, which is enough for short messages.
   *
   * @default {15}
   */
  serverMaxWindowBits?: number | undefined;
  /**
   * Limits the window that the client compresses with to 2 to the power of this many bytes: 8 to 15, or 9 to 15 at a
   * client. A server that sets it below 15 does not agree to compression with clients that do not support the parameter
   * `client_max_window_bits`. A client that does not set it agrees to 15 but compresses with 12.
   *
   * @default {15}
   */
  clientMaxWindowBits?: number | undefined;
  /**
   * The server compresses each message by itself, with an empty window (no context takeover). Short messages get
   * larger, but no memory is kept between messages.
   *
   * @default {false}
   */
  serverNoContextTakeover?: boolean | undefined;
  /**
   * The client compresses each message by itself, with an empty window (no context takeover).
   *
   * @default {false}
   */
  clientNoContextTakeover?: boolean | undefined;
  /**
   * The effort of our own compression: zlib's level, from 0 (none) over 1 (fast) to 9 (small).
   *
   * @default {6}
   */
  level?: number | undefined;
  /**
   * The memory for our own compression, besides the window: zlib's memory level, 1 to 9. The default is 8 where our own
   * window is set, by `serverMaxWindowBits` at a server or `clientMaxWindowBits` at a client, and 5 otherwise.
   *
   * @default {5}
   */
  memLevel?: number | undefined;
  /**
   * Shorter messages are sent uncompressed; text counts by its bytes of UTF-8. A message that is sent in pieces is
   * always compressed.
   *
   * @default {256}
   */
  threshold?: number | undefined;
}

/**
 * The parameters of permessage-deflate that a client offers (RFC 7692 §7.1).
 *
 * @example The offer in the request
 * ```ts
 * import { type DeflateOffer, offer } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const { request, deflate } = offer("ws://localhost/", { compression: true });
 *
 * const asked: DeflateOffer = deflate!;
 * assertEquals([asked.serverMaxWindowBits, asked.serverNoContextTakeover], [undefined, false]);
 * assertEquals(request.headers.get("sec-websocket-extensions"), "permessage-deflate; client_max_window_bits");
 * ```
 */
export interface DeflateOffer {
  /** The limit for the server's window, if one was set. */
  readonly serverMaxWindowBits: number | undefined;
  /** The limit for the client's window, if one was set. */
  readonly clientMaxWindowBits: number | undefined;
  /** Whether the server is asked to compress each message by itself. */
  readonly serverNoContextTakeover: boolean;
  /** Whether the client promises to compress each message by itself. */
  readonly clientNoContextTakeover: boolean;
}

/**
 * The `compression` option, checked once and with its defaults. It is frozen, and is itself a valid option.
 */
export interface CheckedCompression extends DeflateOffer {
  readonly level: number;
  readonly memLevel: number;
  readonly threshold: number;
}

/** The windows that can be agreed on, as powers of 2 (RFC 7692 §7.1.2). The largest is the default. */
export const SMALLEST_WINDOW_BITS = 8, LARGEST_WINDOW_BITS = 15;

/** The smallest window that we compress with: asked for 256 bytes, zlib's compressor would use 512. */
export const SMALLEST_SENT = 9;

/** What `compression: true` means. */
export const DEFAULT_COMPRESSION: CheckedCompression = Object.freeze({
  serverMaxWindowBits: undefined,
  clientMaxWindowBits: undefined,
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  level: DEFAULTS.level,
  memLevel: DEFAULTS.memLevel,
  threshold: DEFAULTS.threshold,
});

/** The default of `memLevel` for a side whose window was set. */
const MEM_LEVEL_OF_SET_WINDOW = 8;

/**
 * Checks the `compression` option.
 *
 * @param role Which end we are: our own window cannot be the smallest.
 * @returns `undefined` without compression.
 * @throws {TypeError} When it is neither a boolean nor an object.
 * @throws {RangeError} When a number is out of its range.
 */
export function checkCompression(
  compression: boolean | CompressionOptions | undefined,
  role: "client" | "server",
): CheckedCompression | undefined {
  if (compression === undefined || compression === false) return undefined;
  if (compression === true) return DEFAULT_COMPRESSION;
  if (typeof compression !== "object" || compression === null) {
    throw new TypeError("Cannot use the option compression: it must be true, false, or an object with options");
  }
  const checked = checkSettings(compression, role);
  const names = Object.keys(checked) as (keyof CheckedCompression)[];
  return latest = names.every((name) => checked[name] === latest[name]) ? latest : Object.freeze(checked);
}

/** What was checked last: most connections of a server have the same settings, and then share them. */
let latest = DEFAULT_COMPRESSION;

function checkTakeover(
  name: "serverNoContextTakeover" | "clientNoContextTakeover",
  options: CompressionOptions,
): boolean {
  return checkBoolean(`compression.${name}`, options[name], false);
}

function checkSettings(options: CompressionOptions, role: "client" | "server"): CheckedCompression {
  const byDefault = DEFAULT_COMPRESSION;
  const level = optional("compression.level", options.level, 0, 9) ?? byDefault.level;
  const memLevel = optional("compression.memLevel", options.memLevel, 1, 9);
  const threshold = checkNumber("compression.threshold", options.threshold, byDefault.threshold);
  const windows = {
    serverMaxWindowBits: checkWindowBits("serverMaxWindowBits", options, role),
    clientMaxWindowBits: checkWindowBits("clientMaxWindowBits", options, role),
  };
  const isWindowSet = ownWindowBits(windows, role) !== undefined;
  return {
    ...windows,
    serverNoContextTakeover: checkTakeover("serverNoContextTakeover", options),
    clientNoContextTakeover: checkTakeover("clientNoContextTakeover", options),
    level,
    memLevel: memLevel ?? (isWindowSet ? MEM_LEVEL_OF_SET_WINDOW : byDefault.memLevel),
    threshold,
  };
}

type WindowOption = "serverMaxWindowBits" | "clientMaxWindowBits";

function checkWindowBits(name: WindowOption, options: CompressionOptions, role: "client" | "server") {
  return optional(`compression.${name}`, options[name], smallestWindowBits(name, role), LARGEST_WINDOW_BITS);
}

/** A side that inflates can use a window of 256 bytes; a side that compresses cannot. */
function smallestWindowBits(name: WindowOption, role: "client" | "server"): number {
  return name === windowOptionOf(role) ? SMALLEST_SENT : SMALLEST_WINDOW_BITS;
}

function windowOptionOf(role: "client" | "server"): WindowOption {
  return role === "server" ? "serverMaxWindowBits" : "clientMaxWindowBits";
}

/** The window that was set for our own compression, if it was. */
export function ownWindowBits(
  options: Pick<DeflateOffer, WindowOption>,
  role: "client" | "server",
): number | undefined {
  return options[windowOptionOf(role)];
}

/** What a client offers: the option without the parts about our own compression. */
export function offerOf(checked: CheckedCompression): DeflateOffer {
  const { serverMaxWindowBits, clientMaxWindowBits, serverNoContextTakeover, clientNoContextTakeover } = checked;
  return { serverMaxWindowBits, clientMaxWindowBits, serverNoContextTakeover, clientNoContextTakeover };
}

/**
 * Checks the windows of an agreement that somebody else has made.
 *
 * @param role Which end we are: our own window cannot be the smallest.
 * @throws {RangeError} When a window is missing or out of its range.
 */
export function checkDeflate(deflate: DeflateAgreement, role: "client" | "server"): void {
  for (const name of ["serverMaxWindowBits", "clientMaxWindowBits"] as const) {
    inRange(`agreement.deflate.${name}`, deflate[name], smallestWindowBits(name, role), LARGEST_WINDOW_BITS);
  }
}
