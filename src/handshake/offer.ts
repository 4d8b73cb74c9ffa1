// The client's half of the handshake: a URL to an offer (RFC 6455 §4.1, the first list), and the server's response to an
// agreement (the second list). Pure, but for the key's randomness and SHA-1.

import { encodeBase64 } from "@std/encoding/base64";
import { quote } from "../errors/problem.ts";
import { deflateOffer } from "./compression.ts";
import { checkDecorator, decorate, type Decorator, type RequestDraft } from "./decorator.ts";
import { basicOf, webSocketUrl } from "./url.ts";
import { isToken } from "../http/field_values.ts";
import { type FieldList } from "../http/response.ts";
import { checkCompression, type CompressionOptions, type DeflateOffer } from "../protocol/compression_options.ts";

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
   * The subprotocols to offer, the preferred one first: different tokens.
   *
   * @default {[]}
   */
  protocols?: string | readonly string[] | undefined;
  /**
   * Fields to add to the request, or a synchronous function that reads and changes its `headers`: any but Upgrade,
   * Connection, Sec-WebSocket-*, Content-Length and Transfer-Encoding.
   */
  headers?: Decorator<RequestDraft> | undefined;
  /**
   * Offers to compress messages (RFC 7692), and how.
   *
   * @default {false}
   */
  compression?: boolean | CompressionOptions | undefined;
}

/**
 * A request for an upgrade, with what is needed to judge the response.
 *
 * @example Lines for an HTTP client of one's own
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
  /** The request; its URL has the scheme http or https. */
  readonly request: Request;
  /** The Sec-WebSocket-Key: 16 random bytes in base64. */
  readonly key: string;
  /** The subprotocols that are offered. */
  readonly protocols: readonly string[];
  /** What is offered about compression, if anything is. */
  readonly deflate?: DeflateOffer | undefined;
}

/** An offer as it is sent: the fields in their order. */
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

  /** The target: the resource name (RFC 6455 §3). */
  get target(): string {
    return this.url.pathname + this.url.search;
  }
}

/**
 * Makes a request for an upgrade, with a fresh key (RFC 6455 §4.1).
 *
 * @param url `ws:`, `wss:`, `http:` or `https:`, without a fragment. User and password become Basic authentication.
 * @param options Subprotocols and fields.
 * @returns The offer, to be given to {@linkcode confirm} with the response.
 * @throws {DOMException} `SyntaxError` for a URL that is not one of a WebSocket, or for the subprotocols.
 * @throws {TypeError} For a field that is not allowed.
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
  return draftOffer(url, options);
}

/** What is for the first origin alone. */
const CREDENTIALS = new Set(["authorization", "cookie", "proxy-authorization"]);

/**
 * {@linkcode offer}, not yet a `Request`.
 *
 * @param isCrossOrigin Whether another origin has sent us here: it gets no credentials, and no Host but its own.
 */
export function draftOffer(url: string | URL, options: OfferOptions, isCrossOrigin = false): OfferDraft {
  const target = webSocketUrl(url);
  const protocols = checkProtocols(options.protocols);
  checkDecorator(options.headers, "client");
  const deflate = checkCompression(options.compression, "client");
  const key = encodeBase64(crypto.getRandomValues(new Uint8Array(16)));
  const fields: FieldList = [
    ["Host", target.host],
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Key", key],
    ["Sec-WebSocket-Version", "13"],
  ];
  if (protocols.length > 0) fields.push(["Sec-WebSocket-Protocol", protocols.join(", ")]);
  if (deflate) fields.push(["Sec-WebSocket-Extensions", deflateOffer(deflate)]);
  const authorization = basicOf(target);
  if (authorization) fields.push(["Authorization", authorization]);
  target.username = target.password = "";
  const draft = (headers: Headers) => ({ method: "GET", url: target.href, headers });
  const decorated = decorate(fields, options.headers, "client", draft);
  const sent = isCrossOrigin ? withoutCredentials(decorated, target) : decorated;
  return new OfferDraft(target, key, protocols, sent, deflate);
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
    const message = `Cannot offer the subprotocols ${quote(list.join(", "))}: they must be different tokens`;
    throw new DOMException(message, "SyntaxError");
  }
  return list;
}
