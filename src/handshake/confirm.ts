// The second half of the client's handshake: the response to an offer is an agreement, or an error. The checks and their
// numbers are those of RFC 6455 §4.1, the second list.

import { HandshakeError, type HandshakeErrorInit, type ResponseHead } from "../errors/handshake_error.ts";
import { badField, type Problem } from "../errors/problem.ts";
import { listHas, trimSpace } from "../http/field_values.ts";
import { isHttp2 } from "../http/request_head.ts";
import type { Agreement } from "../protocol/agreement.ts";
import { judgeDeflate } from "./compression.ts";
import { acceptValue } from "./accept_value.ts";
import { type ExtendedConnect, findConnectResponseProblem } from "./extended_connect.ts";
import type { Offer } from "./offer.ts";

/**
 * Checks the response to an offer (RFC 6455 §4.1, checks 1–6).
 *
 * @param offer What `offer()` has returned, or `extendedConnect()` of it: then the response is one of HTTP/2, a 200 without
 * Sec-WebSocket-Accept (RFC 8441 §5).
 * @param response The response: a `Response`, or any other head.
 * @returns What client and server have agreed on.
 * @throws {HandshakeError} Rejects when the server refused the upgrade, or did not accept it correctly.
 * @throws {TypeError} Rejects for an offer without a key whose request is not one of HTTP/2.
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
export async function confirm(offer: Offer | ExtendedConnect, response: ResponseHead): Promise<Agreement> {
  const verdict = await judge(offer, response);
  if (!("failure" in verdict)) return verdict;
  throw handshakeFailed(verdict, { request: offer.request, ...(response instanceof Response ? { response } : {}) });
}

/** The error of a client's handshake that failed. */
export function handshakeFailed(problem: Problem, init?: HandshakeErrorInit): HandshakeError {
  return new HandshakeError(problem.failure, `Cannot open the WebSocket: ${problem.detail}`, init);
}

/** {@linkcode confirm}, but a problem is returned. */
export async function judge(offer: Offer | ExtendedConnect, response: ResponseHead): Promise<Agreement | Problem> {
  if (offer.key === undefined) {
    // A copy by `{ ...offer }` lacks what the offer has by its class
    if (!isHttp2(offer.request)) throw new TypeError("Cannot confirm the response: the offer has no key");
    return findConnectResponseProblem(response) ?? agree(offer, response);
  }
  return judgeResponse(offer, response, await acceptValue(offer.key));
}

/** {@linkcode judge} of a response of HTTP/1.1, given the Sec-WebSocket-Accept for the key of the offer. */
export function judgeResponse(offer: Offer, response: ResponseHead, expected: string): Agreement | Problem {
  const { status, headers } = response;
  // (1)
  if (status !== 101) return { failure: "status-not-101", detail: `the status is ${status}` };
  // (2): the whole value, while a server looks for one element of a list
  const upgrade = headers.get("upgrade");
  if (upgrade?.toLowerCase() !== "websocket") return badField("upgrade-missing", "Upgrade", upgrade);
  // (3)
  const connection = headers.get("connection");
  if (!listHas(connection, "upgrade")) return badField("connection-missing", "Connection", connection);
  // (4)
  const accept = headers.get("sec-websocket-accept");
  if (accept === null) return badField("accept-missing", "Sec-WebSocket-Accept", accept);
  if (trimSpace(accept) !== expected) return badField("accept-mismatch", "Sec-WebSocket-Accept", accept);
  return agree(offer, response);
}

/** Checks (5) and (6), which hold for every version of HTTP (RFC 8441 §5). */
function agree(offer: Offer | ExtendedConnect, { headers }: ResponseHead): Agreement | Problem {
  // (5)
  const extensions = headers.get("sec-websocket-extensions");
  const deflate = extensions === null ? undefined : judgeDeflate(extensions, offer.deflate);
  if (deflate && "failure" in deflate) return deflate;
  // (6), and WHATWG WebSockets §2.1: when subprotocols were offered, the server must choose one
  const protocol = headers.get("sec-websocket-protocol");
  if (protocol === null && offer.protocols.length > 0) {
    return badField("protocol-missing", "Sec-WebSocket-Protocol", protocol);
  }
  if (protocol !== null && !offer.protocols.includes(protocol)) {
    return badField("protocol-unrequested", "Sec-WebSocket-Protocol", protocol);
  }
  const agreement = { role: "client", protocol: protocol ?? "", extensions: extensions ?? "" } as const;
  return deflate ? { ...agreement, deflate } : agreement;
}
