// What can be said about compression: the option, an offer, an agreement (RFC 7692 §7.1).

import { DEFAULTS, inRange, optional } from "../base/options.ts";

/**
 * What was agreed about compression, by the names of the parameters (RFC 7692 §7.1).
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
  /** The server's window has at most 2 to the power of this many bytes: 8 to 15. */
  readonly serverMaxWindowBits: number;
  /** The client's window, likewise. */
  readonly clientMaxWindowBits: number;
  /** Whether the server begins each message with an empty window. */
  readonly serverNoContextTakeover: boolean;
  /** Whether the client does. */
  readonly clientNoContextTakeover: boolean;
}

/**
 * How messages are compressed. Without a window and a memory level of its own, a side compresses with a window of 4 KiB
 * and memory level 5, whatever larger window was agreed: that is most of the gain for an eighth of the memory.
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
   * The server's window has at most 2 to the power of this many bytes: 8 to 15; at a server, which has to do it, from 9 on.
   * A side whose window was not set agrees to 15 and compresses with 12, which is enough for short messages.
   *
   * @default {15}
   */
  serverMaxWindowBits?: number | undefined;
  /**
   * The client's window, likewise; at a client from 9 on. A server that sets it declines a client that can't be told.
   *
   * @default {15}
   */
  clientMaxWindowBits?: number | undefined;
  /**
   * The server begins each message with an empty window.
   *
   * @default {false}
   */
  serverNoContextTakeover?: boolean | undefined;
  /**
   * The client begins each message with an empty window.
   *
   * @default {false}
   */
  clientNoContextTakeover?: boolean | undefined;
  /**
   * How hard we try: zlib's level, 0 to 9.
   *
   * @default {6}
   */
  level?: number | undefined;
  /**
   * How much memory we compress with: zlib's memory level, 1 to 9. Where it is not set, it goes with the window: 5, or 8
   * where `serverMaxWindowBits`, of a server, or `clientMaxWindowBits`, of a client, was set.
   *
   * @default {5}
   */
  memLevel?: number | undefined;
  /**
   * Messages of fewer bytes, of UTF-8 where they are text, are sent as they are. A message that is sent in pieces is compressed.
   *
   * @default {256}
   */
  threshold?: number | undefined;
}

/**
 * What is asked for about compression, and said of oneself (RFC 7692 §7.1).
 *
 * @example What goes onto the wire
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
  /** How large the server's window may be, when that was set. */
  readonly serverMaxWindowBits: number | undefined;
  /** How large the client's window may be, when that was set. */
  readonly clientMaxWindowBits: number | undefined;
  /** Whether the server is to begin each message with an empty window. */
  readonly serverNoContextTakeover: boolean;
  /** Whether the client is to. */
  readonly clientNoContextTakeover: boolean;
}

/**
 * The `compression` option as it was checked, with its defaults. It is frozen, and nothing below the check looks at the
 * option again. It can be passed wherever the option can.
 */
export interface CheckedCompression extends DeflateOffer {
  readonly level: number;
  readonly memLevel: number;
  readonly threshold: number;
}

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

function checkSettings(options: CompressionOptions, role: "client" | "server"): CheckedCompression {
  const byDefault = DEFAULT_COMPRESSION;
  const level = optional("compression.level", options.level, 0, 9) ?? byDefault.level;
  const memLevel = optional("compression.memLevel", options.memLevel, 1, 9);
  const threshold = optional("compression.threshold", options.threshold, 0, Infinity) ?? byDefault.threshold;
  const windows = {
    serverMaxWindowBits: checkWindowBits("serverMaxWindowBits", options, role),
    clientMaxWindowBits: checkWindowBits("clientMaxWindowBits", options, role),
  };
  const isWindowSet = ownWindowBits(windows, role) !== undefined;
  return {
    ...windows,
    serverNoContextTakeover: options.serverNoContextTakeover === true,
    clientNoContextTakeover: options.clientNoContextTakeover === true,
    level,
    memLevel: memLevel ?? (isWindowSet ? MEM_LEVEL_OF_SET_WINDOW : byDefault.memLevel),
    threshold,
  };
}

type WindowOption = "serverMaxWindowBits" | "clientMaxWindowBits";

function checkWindowBits(name: WindowOption, options: CompressionOptions, role: "client" | "server") {
  return optional(`compression.${name}`, options[name], smallestWindowBits(name, role), 15);
}

/** A side that inflates can use a window of 256 bytes; a side that compresses cannot. */
function smallestWindowBits(name: WindowOption, role: "client" | "server"): number {
  return name === windowOptionOf(role) ? SMALLEST_SENT : 8;
}

function windowOptionOf(role: "client" | "server"): WindowOption {
  return role === "server" ? "serverMaxWindowBits" : "clientMaxWindowBits";
}

/** The window that was set for our own compressing, if it was. */
export function ownWindowBits(
  options: Pick<DeflateOffer, WindowOption>,
  role: "client" | "server",
): number | undefined {
  return options[windowOptionOf(role)];
}

/** What a client offers: the option without what only concerns our own compressing. */
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
    inRange(`agreement.deflate.${name}`, deflate[name], smallestWindowBits(name, role), 15);
  }
}
