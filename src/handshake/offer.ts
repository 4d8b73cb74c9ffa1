// The first half of the client's handshake: a URL to the request of an upgrade, with what is needed to check the response
// (RFC 6455 §4.1, the first list). Pure, except that the key is random.

import { encodeBase64 } from "../base/base64.ts";
import { quote } from "../errors/problem.ts";
import { isToken } from "../http/field_values.ts";
import type { FieldList } from "../http/write_head.ts";
import {
  checkCompression,
  type CheckedCompression,
  type CompressionOptions,
  type DeflateOffer,
  offerOf,
} from "../protocol/compression_options.ts";
import { deflateOffer } from "./compression.ts";
import { checkDecorator, decorate, type Decorator, type RequestDraft } from "./decorator.ts";
import { UPGRADE_FIELDS } from "./upgrade_fields.ts";
import { basicOf, webSocketUrl } from "./url.ts";

/**
 * Options of {@linkcode offer}.
 *
 * @example A token, and two versions of a subprotocol
 * ```ts
 * import { offer, type OfferOptions } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const options: OfferOptions = { protocols: ["v2", "v1"], headers: { authorization: "Bearer 42" } };
 * const { request, protocols } = offer("wss://localhost/chat", options);
 *
 * assertEquals(protocols, ["v2", "v1"]);
 * assertEquals(request.headers.get("authorization"), "Bearer 42");
 * ```
 */
export interface OfferOptions {
  /**
   * The subprotocols to offer, the preferred one first: tokens, without duplicates.
   *
   * @default {[]}
   */
  protocols?: string | readonly string[] | undefined;
  /**
   * Header fields to add to the request, or a synchronous function that reads and changes its `headers`. Every field is
   * allowed except Upgrade, Connection, Sec-WebSocket-*, Content-Length and Transfer-Encoding.
   */
  headers?: Decorator<RequestDraft> | undefined;
  /**
   * Whether, and how, to offer compression of messages (RFC 7692).
   *
   * @default {false}
   */
  compression?: boolean | CompressionOptions | undefined;
}

/**
 * The request of an upgrade, with what is needed to check the response.
 *
 * @example Header lines for an HTTP client of your own
 * ```ts
 * import { offer, type Offer } from "@handfast/websocket";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const made: Offer = offer("ws://localhost/chat");
 * const { pathname } = new URL(made.request.url);
 * const lines = [`GET ${pathname} HTTP/1.1`, ...[...made.request.headers].map((field) => field.join(": "))];
 *
 * assertEquals(lines[0], "GET /chat HTTP/1.1");
 * assert(lines.includes(`sec-websocket-key: ${made.key}`));
 * ```
 */
export interface Offer {
  /** The request. The scheme of its URL is http or https. */
  readonly request: Request;
  /** The Sec-WebSocket-Key: 16 random bytes in base64. */
  readonly key: string;
  /** The subprotocols that are offered. */
  readonly protocols: readonly string[];
  /** The compression that is offered, if it is. */
  readonly deflate?: DeflateOffer | undefined;
}

/** An {@linkcode Offer} with its fields in order. Its `Request` is made when somebody asks for it. */
export class OfferDraft implements Offer {
  readonly url: URL;
  readonly key: string;
  readonly protocols: readonly string[];
  readonly fields: FieldList;
  readonly deflate: DeflateOffer | undefined;
  #request: Request | undefined;

  constructor(
    url: URL,
    key: string,
    protocols: readonly string[],
    fields: FieldList,
    deflate: DeflateOffer | undefined,
  ) {
    this.deflate = deflate;
    this.url = url;
    this.key = key;
    this.protocols = protocols;
    this.fields = fields;
  }

  get request(): Request {
    const headers = this.fields.map(([name, value]): [string, string] => [name, value]);
    return this.#request ??= new Request(this.url, { headers });
  }

  /** The request target: the resource name of RFC 6455 §3. */
  get target(): string {
    return this.url.pathname + this.url.search;
  }
}

/**
 * Makes the request of an upgrade, with a new random key (RFC 6455 §4.1).
 *
 * @param url A `ws:`, `wss:`, `http:` or `https:` URL without a fragment. A user name and a password in it become Basic
 * authentication.
 * @param options Subprotocols, header fields, compression.
 * @returns The offer. Pass it to {@linkcode confirm}, together with the response.
 * @throws {DOMException} `SyntaxError` when the URL is not that of a WebSocket, or a subprotocol is not a token or comes
 * twice.
 * @throws {TypeError} When a header field must not be set, or an option is wrong.
 *
 * @example Usage
 * ```ts
 * import { offer } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const { request, key } = offer("ws://localhost/chat", { protocols: ["v2", "v1"] });
 *
 * assertEquals(request.url, "http://localhost/chat");
 * assertEquals(request.headers.get("sec-websocket-key"), key);
 * assertEquals(request.headers.get("sec-websocket-protocol"), "v2, v1");
 * ```
 */
export function offer(url: string | URL, options: OfferOptions = {}): Offer {
  return draftOffer(url, checkOfferOptions(options));
}

/** {@linkcode OfferOptions}, checked. */
export interface CheckedOfferOptions {
  readonly protocols: readonly string[];
  readonly headers: Decorator<RequestDraft> | undefined;
  readonly compression: CheckedCompression | undefined;
}

/**
 * Checks the options.
 *
 * @throws {DOMException} `SyntaxError` when a subprotocol is not a token or comes twice.
 * @throws {TypeError} When another option is wrong.
 * @throws {RangeError} When a number of `compression` is out of its range.
 */
export function checkOfferOptions({ protocols, headers, compression }: OfferOptions): CheckedOfferOptions {
  const list = checkProtocols(protocols);
  checkDecorator(headers, "client");
  return { protocols: list, headers, compression: checkCompression(compression, "client") };
}

/** Never sent after a redirect to another origin, whoever set them (RFC 9110 §15.4, Fetch «HTTP-redirect fetch»). */
const CREDENTIALS = new Set(["authorization", "cookie", "proxy-authorization"]);

/**
 * The only entries of `headers` that are still sent then: those that a page may send to any origin without asking first
 * (Fetch, «CORS-safelisted request-header»), and the name of the client. Only the caller knows what others are for, such
 * as x-api-key: a function is called with the new URL, and may set them.
 */
const FOR_ALL_ORIGINS = ["accept", "accept-language", "content-language", "user-agent"] as const;

/**
 * {@linkcode offer}, with the fields in order.
 *
 * @param isCrossOrigin Whether another origin has redirected us here: then no credentials are sent, only those entries of
 * `headers` that are for all origins, and the Host of this URL.
 * @param isHttp2 Whether it is for `connectOf()`: then there are no fields of an upgrade, and no key (RFC 8441 §5).
 */
export function draftOffer(
  url: string | URL,
  options: CheckedOfferOptions,
  isCrossOrigin = false,
  isHttp2 = false,
): OfferDraft {
  const target = webSocketUrl(url);
  const { protocols, headers, compression } = options;
  const deflate = compression && offerOf(compression);
  const key = isHttp2 ? "" : encodeBase64(crypto.getRandomValues(new Uint8Array(16)));
  const upgrade: FieldList = isHttp2 ? [] : [...UPGRADE_FIELDS, ["Sec-WebSocket-Key", key]];
  const fields: FieldList = [["Host", target.host], ...upgrade, ["Sec-WebSocket-Version", "13"]];
  if (protocols.length > 0) fields.push(["Sec-WebSocket-Protocol", protocols.join(", ")]);
  if (deflate) fields.push(["Sec-WebSocket-Extensions", deflateOffer(deflate)]);
  const authorization = basicOf(target);
  if (authorization) fields.push(["Authorization", authorization]);
  target.username = target.password = "";
  const draft = (headers: Headers) => ({ method: isHttp2 ? "CONNECT" : "GET", url: target.href, headers });
  const decorated = decorate(fields, isCrossOrigin ? forAllOrigins(headers) : headers, "client", draft);
  const sent = isCrossOrigin ? withoutCredentials(decorated, target) : decorated;
  return new OfferDraft(target, key, protocols, sent, deflate);
}

/** The entries of `headers` that are for all origins; a function decides by itself. */
function forAllOrigins(headers: Decorator<RequestDraft> | undefined): Decorator<RequestDraft> | undefined {
  if (headers === undefined || typeof headers === "function") return headers;
  const given = new Headers(headers as Headers); // of whichever form
  return FOR_ALL_ORIGINS.filter((name) => given.has(name)).map((name): [string, string] => [name, given.get(name)!]);
}

function withoutCredentials(fields: FieldList, { host }: URL): FieldList {
  return fields
    .filter(([name]) => !CREDENTIALS.has(name.toLowerCase()))
    .map(([name, value]) => [name, name.toLowerCase() === "host" ? host : value]);
}

function checkProtocols(protocols: string | readonly string[] = []): readonly string[] {
  const list = typeof protocols === "string" ? [protocols] : [...protocols];
  if (
    !list.every((protocol) => typeof protocol === "string" && isToken(protocol)) || new Set(list).size < list.length
  ) {
    const message = `Cannot offer the subprotocols ${quote(list.join(", "))}: they must be tokens, without duplicates`;
    throw new DOMException(message, "SyntaxError");
  }
  return list;
}
