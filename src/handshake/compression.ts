// Negotiating permessage-deflate (RFC 7692 §5, §7.1): options to an offer, offers to an answer, an answer to an agreement.
// An offer that can't be met is passed over; an answer that does not fit its offer fails the handshake.

import { type Problem, quote } from "../errors/problem.ts";
import { type Extension, parseExtensions } from "../http/field_values.ts";
import {
  checkCompression,
  type CompressionOptions,
  type DeflateAgreement,
  type DeflateOffer,
  SMALLEST_SENT,
} from "../protocol/compression_options.ts";

const NAME = "permessage-deflate";

// ---- parameters

/** The parameters of an element (RFC 7692 §7.1); `true` is a client_max_window_bits without a value. */
interface Parameters {
  readonly server_no_context_takeover?: true;
  readonly client_no_context_takeover?: true;
  readonly server_max_window_bits?: number;
  readonly client_max_window_bits?: number | true;
}

type Value = string | true;

const flag = (value: Value): true | undefined => value === true ? true : undefined;

// §7.1.2: «a decimal integer value without leading zeroes between 8 to 15, inclusive»
const bits = (value: Value): number | undefined =>
  typeof value === "string" && /^(?:[89]|1[0-5])$/.test(value) ? Number(value) : undefined;

/** What each parameter may be. */
const RULES: ReadonlyMap<string, (value: Value, isOffer: boolean) => number | true | undefined> = new Map([
  ["server_no_context_takeover", flag],
  ["client_no_context_takeover", flag],
  ["server_max_window_bits", bits],
  // §7.1.2.2: only an offer has it without a value
  ["client_max_window_bits", (value: Value, isOffer: boolean) => isOffer && value === true ? true : bits(value)],
]);

/** The parameters, or `undefined` for an unknown one, one that came twice, or a wrong value (RFC 7692 §7.1). */
function readParameters({ parameters }: Extension, isOffer: boolean): Parameters | undefined {
  const read = new Map<string, number | true>();
  for (const [name, given] of parameters) {
    const value = RULES.get(name)?.(given, isOffer);
    if (value === undefined || read.has(name)) return undefined;
    read.set(name, value);
  }
  return Object.fromEntries(read);
}

/** An element with these parameters. */
function element(parameters: Parameters): string {
  const written = Object.entries(parameters).map(([name, value]) => value === true ? name : `${name}=${value}`);
  return [NAME, ...written].join("; ");
}

// ---- both halves

/** The client's offer, as a value of Sec-WebSocket-Extensions. */
export function deflateOffer(options: DeflateOffer): string {
  const { serverMaxWindowBits, clientMaxWindowBits } = options;
  return element({
    ...(options.serverNoContextTakeover && { server_no_context_takeover: true }),
    ...(options.clientNoContextTakeover && { client_no_context_takeover: true }),
    ...(serverMaxWindowBits !== undefined && { server_max_window_bits: serverMaxWindowBits }),
    client_max_window_bits: clientMaxWindowBits ?? true,
  });
}

/** What a server answers with. */
export interface DeflateAnswer {
  /** The value of Sec-WebSocket-Extensions. */
  readonly extensions: string;
  readonly deflate: DeflateAgreement;
}

/** The server's answer to the first offer that it can meet, if there is one. */
export function answerDeflate(
  offers: string | null,
  compression: boolean | CompressionOptions | undefined,
): DeflateAnswer | undefined {
  const options = checkCompression(compression, "server");
  if (!options) return undefined;
  for (const extension of offers === null ? [] : parseExtensions(offers) ?? []) {
    if (extension.name !== NAME) continue;
    const offered = readParameters(extension, true);
    const answer = offered && meet(offered, options);
    if (answer) return { extensions: element(answer), deflate: agreementOf(answer) };
  }
  return undefined;
}

/** The parameters of an answer to an offer, or `undefined` when it has to be declined. */
function meet(offered: Parameters, options: DeflateOffer): Parameters | undefined {
  const ours = least(offered.server_max_window_bits, options.serverMaxWindowBits);
  if (ours !== undefined && ours < SMALLEST_SENT) return undefined;
  // §7.1.2.2: «the corresponding extension negotiation response […] MUST NOT include the "client_max_window_bits"»
  const canBeTold = offered.client_max_window_bits !== undefined;
  if (!canBeTold && (options.clientMaxWindowBits ?? 15) < 15) return undefined;
  const hint = offered.client_max_window_bits === true ? undefined : offered.client_max_window_bits;
  const theirs = canBeTold ? least(hint, options.clientMaxWindowBits) : undefined;
  const serverNoTakeover = offered.server_no_context_takeover || options.serverNoContextTakeover;
  const isClientBare = offered.client_no_context_takeover || options.clientNoContextTakeover;
  return {
    ...(serverNoTakeover && { server_no_context_takeover: true }),
    ...(isClientBare && { client_no_context_takeover: true }),
    ...(ours !== undefined && { server_max_window_bits: ours }),
    ...(theirs !== undefined && { client_max_window_bits: theirs }),
  };
}

/** The smaller of two limits that may not be there. */
function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.min(a, b);
}

function agreementOf(answer: Parameters): DeflateAgreement {
  const { client_max_window_bits: theirs } = answer;
  return {
    serverMaxWindowBits: answer.server_max_window_bits ?? 15,
    clientMaxWindowBits: typeof theirs === "number" ? theirs : 15,
    serverNoContextTakeover: answer.server_no_context_takeover ?? false,
    clientNoContextTakeover: answer.client_no_context_takeover ?? false,
  };
}

/**
 * The client's judgement of a server's answer.
 *
 * @param extensions The value of Sec-WebSocket-Extensions.
 * @param options What was offered, if anything was.
 * @returns What we keep to: what was agreed, and what we have said of ourselves.
 */
export function judgeDeflate(extensions: string, options: DeflateOffer | undefined): DeflateAgreement | Problem {
  const detail = `Sec-WebSocket-Extensions is ${quote(extensions)}`;
  const elements = parseExtensions(extensions);
  if (!elements) return { failure: "extension-malformed", detail };
  const unrequested = (why: string): Problem => ({ failure: "extension-unrequested", detail: `${detail}: ${why}` });
  const [first, second] = elements;
  if (!options || first!.name !== NAME) return unrequested("it was not offered");
  // RFC 7692 §5: two that use RSV1 are in each other's way
  if (second) return unrequested("there is more than one extension");
  const answer = readParameters(first!, false);
  if (!answer) return { failure: "extension-malformed", detail };
  if (options.serverNoContextTakeover && !answer.server_no_context_takeover) {
    return unrequested("server_no_context_takeover was asked for");
  }
  const theirs = answer.server_max_window_bits ?? 15, asked = options.serverMaxWindowBits ?? 15;
  if (theirs > asked) return unrequested(`a server_max_window_bits of at most ${asked} was asked for`);
  const agreement = agreementOf(answer), ours = agreement.clientMaxWindowBits, said = options.clientMaxWindowBits ?? 15;
  if (answer.client_max_window_bits !== undefined && ours > said) {
    return unrequested(`a client_max_window_bits of at most ${said} was offered`);
  }
  if (ours < SMALLEST_SENT) return unrequested(`a window of less than ${2 ** SMALLEST_SENT} bytes can't be kept to`);
  return {
    ...agreement,
    clientMaxWindowBits: Math.min(ours, said),
    clientNoContextTakeover: agreement.clientNoContextTakeover || options.clientNoContextTakeover,
  };
}
