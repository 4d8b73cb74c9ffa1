import { type HandshakeFailure } from "../errors/failures.ts";
import { HandshakeError, type ResponseHead } from "../errors/handshake_error.ts";
import { type Problem, quote } from "../errors/problem.ts";
import { judgeDeflate } from "./compression.ts";
import { acceptValue } from "./key.ts";
import { type Offer, offer } from "./offer.ts";
import { listHas, trimSpace } from "../http/field_values.ts";
import { type Agreement } from "../protocol/agreement.ts";

/**
 * Judges the response to an offer (RFC 6455 §4.1, checks 1–6).
 *
 * @param offer The offer.
 * @param response The response: status and fields.
 * @returns What was agreed.
 * @throws {HandshakeError} Rejects when the server did not accept, or not correctly.
 *
 * @example Usage
 * ```ts
 * import { answer, confirm, offer } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const made = offer("ws://localhost/chat", { protocols: ["v1"] });
 * const { response } = await answer(made.request, { protocols: ["v1"] });
 *
 * assertEquals((await confirm(made, response)).protocol, "v1");
 * ```
 */
export async function confirm(offer: Offer, response: ResponseHead): Promise<Agreement> {
  const verdict = await judge(offer, response);
  if (!("failure" in verdict)) return verdict;
  throw openingError(verdict, { request: offer.request, ...(response instanceof Response ? { response } : {}) });
}

/** The error of a client's handshake. */
export function openingError(problem: Problem, init: ConstructorParameters<typeof HandshakeError>[2]): HandshakeError {
  return new HandshakeError(problem.failure, `Cannot open the WebSocket: ${problem.detail}`, init);
}

/** {@linkcode confirm}, as a value. */
export async function judge(offer: Offer, response: ResponseHead): Promise<Agreement | Problem> {
  const { status, headers } = response;
  const wrong = (failure: HandshakeFailure, name: string): Problem => {
    const value = headers.get(name);
    return { failure, detail: value === null ? `there is no ${name}` : `${name} is ${quote(value)}` };
  };
  // (1)
  if (status !== 101) return { failure: "status-not-101", detail: `the status is ${status}` };
  // (2): the value as a whole, where a server looks for an element of a list
  if (headers.get("upgrade")?.toLowerCase() !== "websocket") return wrong("upgrade-missing", "Upgrade");
  // (3)
  if (!listHas(headers.get("connection"), "upgrade")) return wrong("connection-missing", "Connection");
  // (4)
  const accept = headers.get("sec-websocket-accept");
  if (accept === null) return wrong("accept-missing", "Sec-WebSocket-Accept");
  if (trimSpace(accept) !== await acceptValue(offer.key)) return wrong("accept-mismatch", "Sec-WebSocket-Accept");
  // (5)
  const extensions = headers.get("sec-websocket-extensions");
  const deflate = extensions === null ? undefined : judgeDeflate(extensions, offer.deflate);
  if (deflate && "failure" in deflate) return deflate;
  // (6), and WHATWG WebSockets: who offered some gets one
  const protocol = headers.get("sec-websocket-protocol");
  if (protocol === null && offer.protocols.length > 0) return wrong("protocol-missing", "Sec-WebSocket-Protocol");
  if (protocol !== null && !offer.protocols.includes(protocol)) {
    return wrong("protocol-unrequested", "Sec-WebSocket-Protocol");
  }
  const agreement = { role: "client", protocol: protocol ?? "", extensions: extensions ?? "" } as const;
  return deflate ? { ...agreement, deflate } : agreement;
}
