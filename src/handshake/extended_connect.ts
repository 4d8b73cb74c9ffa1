// The handshake over HTTP/2 (RFC 8441): a CONNECT with `:protocol` takes the place of the GET, a 200 that of the 101. What
// HTTP/1.1 needs Upgrade, Connection, key and accept for, `:protocol` does; everything else is as in RFC 6455. HTTP/3 has
// the same (RFC 9220).

import type { RequestHead, ResponseHead } from "../errors/handshake_error.ts";
import { type Problem, quote } from "../errors/problem.ts";
import { findConnectionField, withoutConnectionFields } from "../http/http2_head.ts";
import { problemOf } from "../http/request_head.ts";
import type { FieldList } from "../http/write_head.ts";
import type { DeflateOffer } from "../protocol/compression_options.ts";
import { type Offer, OfferDraft } from "./offer.ts";
import type { Origins } from "./origin.ts";
import { checkOrigin, COMMON_FIELDS, fieldsChecker } from "./request_checks.ts";

const checkFields = fieldsChecker([
  // RFC 9110 §9.3.6: «A CONNECT request message does not have content»
  ["Content-Length", (value) => value === null || /^0+$/.test(value) ? undefined : "body-present"],
  ...COMMON_FIELDS,
]);

/** The first rule that a request of HTTP/2 breaks, if there is one (RFC 8441 §4, §5). */
export function findConnectProblem(request: RequestHead, origins: Origins): Problem | undefined {
  const problem = problemOf(request) ?? checkMethod(request) ?? findConnectionField(request.headers) ??
    checkFields(request) ?? checkOrigin(request, origins);
  // A 426 needs Upgrade, which HTTP/2 does not have (RFC 9113 §8.2.2)
  return problem?.failure === "version-unsupported" ? { ...problem, status: 400 } : problem;
}

/** §5: the method is CONNECT, with a `:protocol` that is websocket. */
function checkMethod({ method, protocol }: RequestHead): Problem | undefined {
  if (method !== "CONNECT") return { failure: "method-not-connect", detail: `the method is ${quote(method)}` };
  // Upgrade tokens are compared without regard to case in HTTP/1.1 (RFC 9110 §7.8); §5 has the value as it is here
  if (protocol === "websocket") return undefined;
  const detail = protocol === undefined ? "there is no :protocol" : `:protocol is ${quote(protocol)}`;
  return { failure: "connect-protocol-unsupported", detail };
}

/** What is wrong with the response to an extended CONNECT, before extensions and subprotocol are looked at. */
export function findConnectResponseProblem({ status, headers }: ResponseHead): Problem | undefined {
  // §5.1
  if (status !== 200) return { failure: "status-not-200", detail: `the status is ${status}` };
  return findConnectionField(headers);
}

/**
 * An offer as the request of an HTTP/2 stream (RFC 8441 §5), for an HTTP/2 client of your own.
 *
 * @example The fields of the request
 * ```ts
 * import { type ExtendedConnect, extendedConnect, offer } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const made: ExtendedConnect = extendedConnect(offer("wss://localhost/chat"));
 * assertEquals(made.fields, {
 *   ":method": "CONNECT",
 *   ":protocol": "websocket",
 *   ":scheme": "https",
 *   ":authority": "localhost",
 *   ":path": "/chat",
 *   "sec-websocket-version": "13",
 * });
 * ```
 */
export interface ExtendedConnect {
  /** The request, as {@linkcode answer} takes it. */
  readonly request: RequestHead;
  /** All fields by their names, pseudo-header fields included, as `session.request()` of `node:http2` takes them. */
  readonly fields: Readonly<Record<string, string>>;
  /** The subprotocols that are offered. */
  readonly protocols: readonly string[];
  /** The compression that is offered, if it is. */
  readonly deflate?: DeflateOffer | undefined;
  /** There is none: HTTP/2 has no use for it. */
  readonly key?: undefined;
}

/**
 * Turns an offer into the request of an HTTP/2 stream (RFC 8441 §5). Send it once the server's SETTINGS have
 * SETTINGS_ENABLE_CONNECT_PROTOCOL with the value 1 (§3).
 *
 * @param offer What {@linkcode offer} has returned.
 * @returns The request. Pass it to {@linkcode confirm}, together with the response.
 *
 * @example Both halves
 * ```ts
 * import { answer, confirm, extendedConnect, offer } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const made = extendedConnect(offer("wss://localhost/chat", { protocols: ["v1"] }));
 * const { response } = await answer(made.request, { protocols: ["v1"] });
 *
 * assertEquals(response.status, 200);
 * assertEquals((await confirm(made, response)).protocol, "v1");
 * ```
 */
export function extendedConnect(offer: Offer): ExtendedConnect {
  const { request, protocols, deflate } = offer;
  const fields: FieldList = offer instanceof OfferDraft ? offer.fields : [...request.headers];
  return connectOf(new URL(request.url), fields, protocols, deflate);
}

/** {@linkcode extendedConnect}, for a URL with the scheme http or https, and fields of which Host becomes `:authority`. */
export function connectOf(
  url: URL,
  offered: FieldList,
  protocols: readonly string[],
  deflate: DeflateOffer | undefined,
): ExtendedConnect {
  const named = withoutConnectionFields(offered).map(([name, value]) => [name.toLowerCase(), value] as const);
  const authority = named.find(([name]) => name === "host")?.[1] ?? url.host;
  const headers = new Headers();
  for (const [name, value] of named) if (!UNUSED.has(name)) headers.append(name, value);
  const fields: Record<string, string> = {
    ":method": "CONNECT",
    ":protocol": "websocket",
    ":scheme": url.protocol.slice(0, -1),
    ":authority": authority,
    ":path": url.pathname + url.search,
    ...Object.fromEntries(headers),
  };
  const target = `${url.protocol}//${authority}${url.pathname}${url.search}`;
  const request = { method: "CONNECT", protocol: "websocket", url: target, headers };
  return { request, fields, protocols, deflate };
}

/** §5: Host is `:authority`, and there is no key. */
const UNUSED = new Set(["host", "sec-websocket-key"]);
