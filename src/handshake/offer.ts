// The client's half of the handshake: a URL to an offer (RFC 6455 §4.1, the first list), and the server's response to an
// agreement (the second list). Pure, but for the key's randomness and SHA-1.

import { encodeBase64 } from "@std/encoding/base64";
import { HandshakeError, type Problem, quote, type ResponseHead } from "../errors/handshake_error.ts";
import type { HandshakeFailure } from "../errors/failures.ts";
import { deflateOffer, judgeDeflate } from "./compression.ts";
import { checkCompression, type CompressionOptions, type DeflateOffer } from "../protocol/compression_options.ts";
import { isToken, listHas, trimSpace } from "../http/field_values.ts";
import { acceptValue, type Agreement, checkDecorator, decorate, type Decorator, type FieldList } from "./decorator.ts";
import type { RequestDraft } from "./decorator.ts";

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
 * @param isForeign Whether another origin has sent us here: it gets no credentials, and no Host but its own.
 */
export function draftOffer(url: string | URL, options: OfferOptions, isForeign = false): OfferDraft {
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
  const sent = isForeign ? withoutCredentials(decorated, target) : decorated;
  return new OfferDraft(target, key, protocols, sent, deflate);
}

function withoutCredentials(fields: FieldList, { host }: URL): FieldList {
  return fields
    .filter(([name]) => !CREDENTIALS.has(name.toLowerCase()))
    .map(([name, value]) => [name, name.toLowerCase() === "host" ? host : value]);
}

/** The URL of a WebSocket (RFC 6455 §3) with the scheme of its handshake. */
export function webSocketUrl(url: string | URL): URL {
  const parsed = URL.parse(url);
  const wrong = parsed === null
    ? "it is not a URL"
    : !/^(?:wss?|https?):$/.test(parsed.protocol)
    ? `its scheme is ${quote(parsed.protocol)}`
    : parsed.hash !== "" || parsed.href.endsWith("#")
    ? "it has a fragment"
    : undefined;
  // Without a password, if it has one
  const shown = quote(String(url).replace(/^.*@/s, "…@"));
  if (wrong) throw new DOMException(`Cannot use the URL ${shown}: ${wrong}`, "SyntaxError");
  return new URL(parsed!.href.replace(/^ws/, "http"));
}

/** User and password of a URL, if it has them, as RFC 7617 credentials. */
export function basicOf(url: URL): string | undefined {
  if (url.username === "" && url.password === "") return undefined;
  const [user, password] = [url.username, url.password].map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part; // not percent-encoded UTF-8: as it stands
    }
  });
  if (user!.includes(":")) throw new DOMException("Cannot use the URL: its user name has a colon", "SyntaxError");
  return "Basic " + encodeBase64(new TextEncoder().encode(`${user}:${password}`));
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
