// The two errors of the library, and the heads and close types that they carry: a HandshakeError before the upgrade, a
// WebSocketError after it. Each says which row of the tables it stands for.

import { type HandshakeFailure, handshakeFailures } from "./failures.ts";

/**
 * Start line and fields of a request, as far as a decision needs them. A `Request` is one, and so is whatever another
 * HTTP server gives in a few lines.
 *
 * @example A head that is no `Request`
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
  /** The fields. Lines of one name are one value, joined by `", "`. */
  readonly headers: Pick<Headers, "get">;
}

/**
 * Start line and fields of a response, as far as a decision needs them. A `Response` is one.
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
  /** The fields. Lines of one name are one value, joined by `", "`. */
  readonly headers: Pick<Headers, "get">;
}

/**
 * What a {@linkcode HandshakeError} carries beside its failure.
 *
 * @example A refusal, for a test of what handles it
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
  /** The request that was refused, when its head could be read. */
  request?: RequestHead | undefined;
  /** The refusal: on a server what is, or was, answered; on a client what was received. */
  response?: Response | undefined;
  /** Whether the connection may be used for another attempt. */
  reusable?: boolean | undefined;
  /** The bytes that were read behind the refused head. */
  rest?: Uint8Array | undefined;
  /** Whether the body of the response was cut off. */
  truncated?: boolean | undefined;
}

/**
 * The handshake failed, through the peer's fault or the network's.
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
  /** The section of the specification that was not met. */
  readonly section: string;
  /** The request, when its head could be read. */
  readonly request?: RequestHead;
  /** On a server the answer to the request; on a client the answer of the server, with its body. */
  readonly response?: Response;
  /** Whether the connection was given back, unlocked, for another attempt. */
  readonly reusable: boolean;
  /** Bytes behind the refused head: the `prefix` of another attempt. */
  readonly rest: Uint8Array;
  /** Whether the response's body was cut off: at `maxBodySize`, at the deadline, or by the peer's end. */
  readonly truncated: boolean;

  /**
   * Makes the error of a failure.
   *
   * @param failure The code.
   * @param message The whole sentence.
   * @param init What else is known.
   */
  constructor(failure: HandshakeFailure, message: string, init: HandshakeErrorInit = {}) {
    super(message, init);
    this.name = "HandshakeError";
    this.failure = failure;
    this.section = handshakeFailures[failure].section;
    if (init.request) this.request = init.request;
    if (init.response) this.response = init.response;
    this.reusable = init.reusable ?? false;
    this.rest = init.rest ?? new Uint8Array();
    this.truncated = init.truncated ?? false;
  }
}
