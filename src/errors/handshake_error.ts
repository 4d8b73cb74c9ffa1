// The two errors of the library, and the heads and close types that they carry: a HandshakeError before the upgrade, a
// WebSocketError after it. Each says which row of the tables it stands for.

import { type HandshakeFailure, handshakeFailures, type ProtocolFailure, protocolFailures } from "./failures.ts";

/** A failure of the peer's that is not yet an error: what, and the very thing that is wrong. */
export interface Problem {
  readonly failure: HandshakeFailure;
  /** What is wrong, as the end of a sentence: `Sec-WebSocket-Version is "8"`. */
  readonly detail: string;
  /** The status, where it is not the table's. */
  readonly status?: number;
}

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
 * How a WebSocket was closed (RFC 6455 §7.1.5, §7.1.6).
 *
 * @example What the peer has closed with
 * ```ts
 * import { accept, type CloseInfo, connect } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const [conn, server] = connectionPair();
 * const [socket, accepted] = await Promise.all([connect("ws://localhost/", { conn }), accept(server)]);
 * accepted.close({ closeCode: 4001, reason: "moved" });
 *
 * const info: CloseInfo = await socket.receive(() => {});
 * assertEquals(info, { closeCode: 4001, reason: "moved" });
 * await accepted.closed;
 * ```
 */
export interface CloseInfo {
  /** The peer's code; 1005 when its Close frame had none. */
  readonly closeCode: number;
  /** The peer's reason; empty when there was none. */
  readonly reason: string;
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

/**
 * What a {@linkcode WebSocketError} may be made with by a user, as in WebSocketStream.
 *
 * @example A reason alone, and a code that is not for users
 * ```ts
 * import { WebSocketError, type WebSocketErrorInit } from "@handfast/websocket";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const init: WebSocketErrorInit = { reason: "done" };
 *
 * assertEquals(new WebSocketError("Enough", init).closeCode, 1000);
 * assertThrows(() => new WebSocketError("Lost", { closeCode: 1006 }), DOMException, "the code is 1006");
 * ```
 */
export interface WebSocketErrorInit {
  /** The code to close with: 1000–1003, 1007–1014 or 3000–4999. A reason alone means 1000. */
  closeCode?: number | undefined;
  /** The reason to close with: at most 123 bytes of UTF-8. */
  reason?: string | undefined;
}

/**
 * The WebSocket was not closed cleanly, or is to be closed with a code: given to `writable.abort()` or
 * `readable.cancel()`, its code and reason go into the Close frame.
 *
 * @example Usage
 * ```ts
 * import { WebSocketError } from "@handfast/websocket";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const error = new WebSocketError("Going home", { closeCode: 3001, reason: "late" });
 *
 * assertEquals([error.closeCode, error.reason], [3001, "late"]);
 * assert(error instanceof DOMException);
 * ```
 */
export class WebSocketError extends DOMException {
  /** The code of the failure, when a rule of the protocol was broken or the connection was lost. */
  readonly failure?: ProtocolFailure;
  /** The section of the specification that was not met. */
  readonly section?: string;
  /** The close code: the table's when we failed the connection, the peer's, or 1006; null when there is none. */
  readonly closeCode: number | null;
  /** The close reason. */
  readonly reason: string;
  /** The error of the network or of the caller behind it. */
  override readonly cause?: unknown;

  /**
   * Makes an error as WebSocketStream does.
   *
   * @param message The message.
   * @param init Code and reason to close with.
   * @throws {DOMException} `InvalidAccessError` for a code that must not be sent, `SyntaxError` for a long reason.
   */
  constructor(message = "", init: WebSocketErrorInit = {}) {
    super(message, "WebSocketError");
    const { closeCode, reason = "" } = checkClose(init);
    this.closeCode = closeCode ?? null;
    this.reason = reason;
  }
}

/** Whether a Close frame may carry this code (RFC 6455 §7.4). */
export function isCloseCode(code: number): boolean {
  return code >= 1000 && code <= 1003 || code >= 1007 && code <= 1014 || code >= 3000 && code <= 4999;
}

/**
 * What a caller wants to close with, checked: a reason alone means 1000, nothing means an empty Close frame.
 *
 * @throws {DOMException} `InvalidAccessError` for the code, `SyntaxError` for a long reason.
 * @throws {TypeError} When the reason is no string.
 */
export function checkClose(init: WebSocketErrorInit): { closeCode?: number; reason: string } {
  if (typeof init !== "object" || init === null || typeof (init.reason ?? "") !== "string") {
    throw new TypeError("Cannot close: code and reason are given as { closeCode, reason }, the reason as a string");
  }
  const reason = (init.reason ?? "").toWellFormed();
  const size = new TextEncoder().encode(reason).length;
  if (size > 123) {
    throw new DOMException(`Cannot close: the reason has ${size} bytes, the limit is 123`, "SyntaxError");
  }
  const { closeCode } = init;
  if (closeCode === undefined) return reason === "" ? { reason } : { closeCode: 1000, reason };
  if (!Number.isInteger(closeCode) || !isCloseCode(closeCode)) {
    const rule = "1000–1003, 1007–1014 and 3000–4999 are allowed";
    throw new DOMException(`Cannot close: the code is ${closeCode}, ${rule}`, "InvalidAccessError");
  }
  return { closeCode, reason };
}

/** A value of the peer's for a message: quoted, escaped, and not longer than a line. */
export function quote(value: string): string {
  return JSON.stringify(value.length > 80 ? value.slice(0, 80) + "…" : value)
    .replace(/[\u007f-\u009f\u2028\u2029]/g, (char) => "\\u" + char.charCodeAt(0).toString(16).padStart(4, "0"));
}

/** What is said to those who still wait when a connection has ended well. Made where somebody does: it has a stack. */
export function closedError(): DOMException {
  return new DOMException("The connection is closed", "InvalidStateError");
}

/** The error of a protocol failure; with a `cause`, and `detail` in place of the table's sentence. */
export function protocolError(failure: ProtocolFailure, detail?: string, cause?: unknown): WebSocketError {
  const { closeCode, section, sentence } = protocolFailures[failure];
  return uncleanError(detail ?? sentence, { closeCode, reason: "", failure, section, cause });
}

/** An error with fields that the public constructor does not take. */
export function uncleanError(message: string, fields: Partial<WebSocketError>): WebSocketError {
  return Object.assign(new WebSocketError(message), fields);
}
