// The parameters of a permessage-deflate element in Sec-WebSocket-Extensions, read and written (RFC 7692 §7.1).

import type { Extension } from "../http/field_values.ts";

export const PERMESSAGE_DEFLATE = "permessage-deflate";

/** The parameters under their names; `true` is a client_max_window_bits without a value. */
export interface Parameters {
  readonly server_no_context_takeover?: true;
  readonly client_no_context_takeover?: true;
  readonly server_max_window_bits?: number;
  readonly client_max_window_bits?: number | true;
}

type Value = string | true;

function parseFlag(value: Value): true | undefined {
  return value === true ? true : undefined;
}

/** §7.1.2: «a decimal integer value without leading zeroes between 8 to 15, inclusive». */
function parseBits(value: Value): number | undefined {
  return typeof value === "string" && /^(?:[89]|1[0-5])$/.test(value) ? Number(value) : undefined;
}

/** §7.1.2.2: only an offer may have it without a value. */
function parseClientBits(value: Value, isOffer: boolean): number | true | undefined {
  return isOffer && value === true ? true : parseBits(value);
}

/** How the value of each parameter is read. */
const PARSERS: ReadonlyMap<string, (value: Value, isOffer: boolean) => number | true | undefined> = new Map([
  ["server_no_context_takeover", parseFlag],
  ["client_no_context_takeover", parseFlag],
  ["server_max_window_bits", parseBits],
  ["client_max_window_bits", parseClientBits],
]);

/** The parameters of an element; `undefined` when one is unknown, comes twice, or has a wrong value (RFC 7692 §7.1). */
export function readParameters({ parameters }: Extension, isOffer: boolean): Parameters | undefined {
  const read = new Map<string, number | true>();
  for (const [name, given] of parameters) {
    const value = PARSERS.get(name)?.(given, isOffer);
    if (value === undefined || read.has(name)) return undefined;
    read.set(name, value);
  }
  return Object.fromEntries(read);
}

/** A permessage-deflate element with these parameters. */
export function writeElement(parameters: Parameters): string {
  const written = Object.entries(parameters).map(([name, value]) => value === true ? name : `${name}=${value}`);
  return [PERMESSAGE_DEFLATE, ...written].join("; ");
}
