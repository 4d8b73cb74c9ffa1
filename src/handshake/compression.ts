// Negotiates permessage-deflate (RFC 7692 §5, §7.1): options to the client's offer, offers to the server's answer, the
// answer to an agreement. A server passes over an offer that it can't meet; for a client an answer that does not match
// its offer fails the handshake.

import { type Problem, quote } from "../errors/problem.ts";
import { parseExtensions } from "../http/field_values.ts";
import {
  type DeflateAgreement,
  type DeflateOffer,
  LARGEST_WINDOW_BITS,
  SMALLEST_SENT,
} from "../protocol/compression_options.ts";
import { type Parameters, PERMESSAGE_DEFLATE, readParameters, writeElement } from "./compression_parameters.ts";

/** The client's offer, as a value of Sec-WebSocket-Extensions. */
export function deflateOffer(options: DeflateOffer): string {
  const { serverMaxWindowBits, clientMaxWindowBits } = options;
  return writeElement({
    ...(options.serverNoContextTakeover && { server_no_context_takeover: true }),
    ...(options.clientNoContextTakeover && { client_no_context_takeover: true }),
    ...(serverMaxWindowBits !== undefined && { server_max_window_bits: serverMaxWindowBits }),
    client_max_window_bits: clientMaxWindowBits ?? true,
  });
}

/** The server's answer, and what it agrees to. */
export interface DeflateAnswer {
  /** The value of Sec-WebSocket-Extensions. */
  readonly extensions: string;
  readonly deflate: DeflateAgreement;
}

/** The server's answer to the first offer that it can meet; `undefined` when there is none. */
export function answerDeflate(
  offers: string | null,
  options: DeflateOffer | undefined,
): DeflateAnswer | undefined {
  if (!options) return undefined;
  for (const extension of offers === null ? [] : parseExtensions(offers) ?? []) {
    if (extension.name !== PERMESSAGE_DEFLATE) continue;
    const offered = readParameters(extension, true);
    const answer = offered && meetOffer(offered, options);
    if (answer) return { extensions: writeElement(answer), deflate: agreementOf(answer) };
  }
  return undefined;
}

/** The parameters of the answer to an offer; `undefined` when the offer must be declined. */
function meetOffer(offered: Parameters, options: DeflateOffer): Parameters | undefined {
  const serverBits = smaller(offered.server_max_window_bits, options.serverMaxWindowBits);
  if (serverBits !== undefined && serverBits < SMALLEST_SENT) return undefined;
  // §7.1.2.2: without it in the offer, the answer «MUST NOT include the "client_max_window_bits"»
  const canLimitClient = offered.client_max_window_bits !== undefined;
  if (!canLimitClient && (options.clientMaxWindowBits ?? LARGEST_WINDOW_BITS) < LARGEST_WINDOW_BITS) return undefined;
  const hint = offered.client_max_window_bits === true ? undefined : offered.client_max_window_bits;
  const clientBits = canLimitClient ? smaller(hint, options.clientMaxWindowBits) : undefined;
  const serverNoTakeover = offered.server_no_context_takeover || options.serverNoContextTakeover;
  const clientNoTakeover = offered.client_no_context_takeover || options.clientNoContextTakeover;
  return {
    ...(serverNoTakeover && { server_no_context_takeover: true }),
    ...(clientNoTakeover && { client_no_context_takeover: true }),
    ...(serverBits !== undefined && { server_max_window_bits: serverBits }),
    ...(clientBits !== undefined && { client_max_window_bits: clientBits }),
  };
}

/** The smaller of two limits, each of which may be missing. */
function smaller(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.min(a, b);
}

/** What an answer says, with the defaults of RFC 7692 §7.1. */
function agreementOf(answer: Parameters): DeflateAgreement {
  const { client_max_window_bits: clientBits } = answer;
  return {
    serverMaxWindowBits: answer.server_max_window_bits ?? LARGEST_WINDOW_BITS,
    clientMaxWindowBits: typeof clientBits === "number" ? clientBits : LARGEST_WINDOW_BITS,
    serverNoContextTakeover: answer.server_no_context_takeover ?? false,
    clientNoContextTakeover: answer.client_no_context_takeover ?? false,
  };
}

/**
 * The client's check of a server's answer.
 *
 * @param extensions The value of Sec-WebSocket-Extensions.
 * @param offered What was offered, if anything was.
 * @returns What both agree on, narrowed to the limits that the offer set for ourselves; or why the answer does not match.
 */
export function judgeDeflate(extensions: string, offered: DeflateOffer | undefined): DeflateAgreement | Problem {
  const detail = `Sec-WebSocket-Extensions is ${quote(extensions)}`;
  const elements = parseExtensions(extensions);
  if (!elements) return { failure: "extension-malformed", detail };
  const unrequested = (why: string): Problem => ({ failure: "extension-unrequested", detail: `${detail}: ${why}` });
  const [first, second] = elements;
  if (!offered || first!.name !== PERMESSAGE_DEFLATE) return unrequested("it was not offered");
  // RFC 7692 §5: a second one would use RSV1 too
  if (second) return unrequested("there is more than one extension");
  const answer = readParameters(first!, false);
  if (!answer) return { failure: "extension-malformed", detail };
  const mismatch = findMismatch(answer, offered);
  if (mismatch) return unrequested(mismatch);
  const agreement = agreementOf(answer);
  return {
    ...agreement,
    clientMaxWindowBits: Math.min(agreement.clientMaxWindowBits, offered.clientMaxWindowBits ?? LARGEST_WINDOW_BITS),
    clientNoContextTakeover: agreement.clientNoContextTakeover || offered.clientNoContextTakeover,
  };
}

/** Why an answer does not match the offer (RFC 7692 §7.1), if it does not. */
function findMismatch(answer: Parameters, offered: DeflateOffer): string | undefined {
  if (offered.serverNoContextTakeover && !answer.server_no_context_takeover) {
    return "server_no_context_takeover was asked for";
  }
  const { serverMaxWindowBits: serverBits, clientMaxWindowBits: clientBits } = agreementOf(answer);
  const { serverMaxWindowBits: serverLimit = LARGEST_WINDOW_BITS } = offered;
  const { clientMaxWindowBits: clientLimit = LARGEST_WINDOW_BITS } = offered;
  if (serverBits > serverLimit) return `a server_max_window_bits of at most ${serverLimit} was asked for`;
  if (answer.client_max_window_bits !== undefined && clientBits > clientLimit) {
    return `a client_max_window_bits of at most ${clientLimit} was offered`;
  }
  if (clientBits < SMALLEST_SENT) return `we can't compress with a window below ${2 ** SMALLEST_SENT} bytes`;
  return undefined;
}
