// The error of a handshake that failed, and the two kinds of heads it is about. It stands for one row of the handshake
// table in failures.ts.

import { type HandshakeFailure, handshakeFailures } from "./failures.ts";
import { parseRetryAfter } from "./retry_after.ts";
import { isRetryableStatus } from "./retryable.ts";

/**
 * The parts of a request that decide about an upgrade: method, URL and header fields. A standard `Request` has them; for
 * the request object of another HTTP server, a few lines make one.
 *
 * @example A head that is not a `Request`
 * ```ts
 * import { isUpgrade, type RequestHead } from "@handfast/websocket";
 * import { assert } from "@std/assert";
 *
 * const fields: Record<string, string> = { upgrade: "websocket", connection: "Upgrade" };
 * const request: RequestHead = {
 *   method: "GET",
 *   url: "http://localhost/chat",
 *   headers: { get: (name) => fields[name.toLowerCase()] ?? null },
 * };
 *
 * assert(isUpgrade(request));
 * ```
 */
export interface RequestHead {
  /** The method, case-sensitive (RFC 9110 §9.1). */
  readonly method: string;
  /** The absolute URL of the target (RFC 9112 §3.3). */
  readonly url: string;
  /** The header fields. `get()` joins several lines of one name with `", "`. */
  readonly headers: Pick<Headers, "get">;
  /**
   * The value of `:protocol`, in a request of HTTP/2 with the method CONNECT (RFC 8441 §4). A CONNECT that has it is judged
   * as such a request, and so is what has `websocket` there; everything else is judged as a request of HTTP/1.1, where a
   * property of this name, such as `https`, has no meaning.
   */
  readonly protocol?: string | undefined;
}

/**
 * The parts of a response that decide about an upgrade: status and header fields. A standard `Response` has them.
 *
 * @example A head that another HTTP client has read
 * ```ts
 * import { confirm, HandshakeError, offer, type ResponseHead } from "@handfast/websocket";
 * import { assertRejects } from "@std/assert";
 *
 * const response: ResponseHead = { status: 302, headers: new Headers({ location: "/login" }) };
 *
 * await assertRejects(() => confirm(offer("ws://localhost/"), response), HandshakeError, "the status is 302");
 * ```
 */
export interface ResponseHead {
  /** The status code. */
  readonly status: number;
  /** The header fields. `get()` joins several lines of one name with `", "`. */
  readonly headers: Pick<Headers, "get">;
}

/**
 * What a {@linkcode HandshakeError} carries besides its failure and its message.
 *
 * @example Making an error, to test the code that handles it
 * ```ts
 * import { HandshakeError, type HandshakeErrorInit } from "@handfast/websocket";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const init: HandshakeErrorInit = { response: new Response("Not on Sundays", { status: 403 }), reusable: true };
 * const error = new HandshakeError("unauthorized", "Cannot open the WebSocket: the status is 403", init);
 *
 * assert(error.reusable);
 * assertEquals(error.response?.status, 403);
 * assertEquals(error.rest.length, 0);
 * ```
 */
export interface HandshakeErrorInit extends ErrorOptions {
  /** The request, when its head could be read. */
  request?: RequestHead | undefined;
  /** On a server the response to send, or that was sent; on a client the response that came. */
  response?: Response | undefined;
  /**
   * Whether the connection can be used for another attempt.
   *
   * @default {false}
   */
  reusable?: boolean | undefined;
  /**
   * The bytes that were read after the refused head.
   *
   * @default {new Uint8Array()}
   */
  rest?: Uint8Array | undefined;
  /**
   * Whether the body of the response was cut off.
   *
   * @default {false}
   */
  truncated?: boolean | undefined;
  /** Whether another attempt may succeed. By default this follows from the failure and the response's status. */
  retryable?: boolean | undefined;
}

/**
 * The handshake failed because of the peer or the network: what went wrong is in `failure`, the response of the refusal
 * in `response`. A mistake of the caller's is a `TypeError`, a `RangeError` or a `DOMException` instead.
 *
 * It can be logged as it is: `request`, `response` and `rest`, which may have credentials in them, are not enumerable, so
 * that `console.log()` does not show them.
 *
 * @example Usage
 * ```ts
 * import { answer } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const { error } = await answer(new Request("http://localhost/", { method: "POST" }));
 *
 * assertEquals(error?.failure, "method-not-get");
 * assertEquals(error?.section, "RFC 6455 §4.2.1 (1)");
 * assertEquals(error?.response?.status, 405);
 * ```
 */
export class HandshakeError extends Error {
  /** The code of the failure. */
  readonly failure: HandshakeFailure;
  /** The section of the specification that was violated, such as `RFC 6455 §4.2.1 (5)`. */
  readonly section: string;
  /** The request, when its head could be read. */
  declare readonly request?: RequestHead;
  /**
   * On a client the server's response, with its body. On a server the refusal: once {@linkcode accept} has sent it, its
   * status and header fields can be read, but its body was used.
   */
  declare readonly response?: Response;
  /** Whether the connection was given back, unlocked, for another attempt. */
  readonly reusable: boolean;
  /** The bytes that were read after the refused head: pass them as `prefix` to another attempt. */
  declare readonly rest: Uint8Array;
  /** Whether the response's body was cut off: at `maxBodySize`, at the deadline, or because the connection ended. */
  readonly truncated: boolean;
  /**
   * Whether the same request may succeed later, without anybody changing it: the network failed, or the server answers with
   * a status that is about this moment, such as 429 or 503. {@linkcode reconnect} goes by it.
   */
  readonly retryable: boolean;

  /**
   * Makes the error of a failure.
   *
   * @param failure The code of the failure; `section` follows from it.
   * @param message The message: a whole sentence.
   * @param init What else is known.
   */
  constructor(failure: HandshakeFailure, message: string, init: HandshakeErrorInit = {}) {
    super(message, init);
    this.name = "HandshakeError";
    this.failure = failure;
    this.section = handshakeFailures[failure].section;
    if (init.request) hide(this, "request", init.request);
    if (init.response) hide(this, "response", init.response);
    this.reusable = init.reusable ?? false;
    hide(this, "rest", init.rest ?? new Uint8Array());
    this.truncated = init.truncated ?? false;
    this.retryable = init.retryable ?? isRetryable(failure, init.response);
  }

  /**
   * How long the server asks to wait before another attempt, in milliseconds: the Retry-After field of `response` (RFC 9110
   * §10.2.3), as seconds or as a date. A date is compared with the response's own Date, if it has one, since the clocks of
   * the two ends may differ; one that has passed gives 0.
   *
   * @returns `undefined` when there is no such field, or none that can be read.
   *
   * @example Usage
   * ```ts
   * import { HandshakeError } from "@handfast/websocket";
   * import { assertEquals } from "@std/assert";
   *
   * const response = new Response("Full", { status: 503, headers: { "retry-after": "7" } });
   * const error = new HandshakeError("status-not-101", "Cannot open the WebSocket", { response });
   *
   * assertEquals([error.retryable, error.retryAfter], [true, 7000]);
   * ```
   */
  get retryAfter(): number | undefined {
    return this.response && parseRetryAfter(this.response.headers, Date.now());
  }
}

/** What the table says; where that depends on a response and there is none, nothing speaks for another attempt. */
function isRetryable(failure: HandshakeFailure, response: ResponseHead | undefined): boolean {
  const { retryable } = handshakeFailures[failure];
  return retryable === "by status" ? response !== undefined && isRetryableStatus(response.status) : retryable;
}

/** Gives an error a property that is not shown where the error is printed. */
function hide(error: HandshakeError, name: "request" | "response" | "rest", value: unknown): void {
  Object.defineProperty(error, name, { value, writable: true, configurable: true, enumerable: false });
}
