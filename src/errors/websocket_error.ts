// The error of a WebSocket that was not closed cleanly, how a WebSocket was closed, and the rules for a close code and a
// reason (RFC 6455 §7.1.5, §7.1.6, §7.4). An error that we found ourselves stands for one row of the protocol table in
// failures.ts.

import { type ProtocolFailure, protocolFailures } from "./failures.ts";
import { isRetryableCode } from "./retryable.ts";

/**
 * How a WebSocket was closed: the code and the reason in the peer's Close frame (RFC 6455 §7.1.5, §7.1.6).
 *
 * @example The code and the reason that the peer gave
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
  /** The peer's close code; 1005 when its Close frame had none. */
  readonly closeCode: number;
  /** The peer's close reason; empty when there was none. */
  readonly reason: string;
}

/**
 * The close code and the reason of a {@linkcode WebSocketError}, as in the WebSocketStream API.
 *
 * @example A reason alone, and a code that must not be sent
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
  /** The code to close with: 1000–1003, 1007–1014 or 3000–4999. With a reason and no code it is 1000. */
  closeCode?: number | undefined;
  /** The reason to close with: at most 123 bytes of UTF-8. */
  reason?: string | undefined;
}

/**
 * The WebSocket was not closed cleanly: `failure` and `section` say what went wrong. Make one yourself to close with a
 * code: given to `writable.abort()` or `readable.cancel()`, its code and reason go into the Close frame.
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
  /** The code of the failure, when the peer violated the protocol or the connection was lost. */
  readonly failure?: ProtocolFailure;
  /** The section of the specification that was violated, such as `RFC 6455 §5.2`. */
  readonly section?: string;
  /** The close code: ours when we failed the connection, the peer's, or 1006; `null` when there is none. */
  readonly closeCode: number | null;
  /** The close reason; empty when there is none. */
  readonly reason: string;
  /** The underlying error: of the network, or of the caller's code. */
  override readonly cause?: unknown;

  /**
   * Makes an error, with the arguments of the WebSocketStream API.
   *
   * @param message The message.
   * @param init The code and the reason to close with.
   * @throws {DOMException} `InvalidAccessError` for a code that must not be sent, `SyntaxError` for a reason of more than
   * 123 bytes.
   */
  constructor(message = "", init: WebSocketErrorInit = {}) {
    super(message, "WebSocketError");
    const { closeCode, reason = "" } = checkClose(init);
    this.closeCode = closeCode ?? null;
    this.reason = reason;
  }

  /**
   * Whether another connection may do better: `true` when this one was lost, or was closed with a code that is about the
   * moment (1001, 1005, 1011 to 1014, 3008). A rule that was broken will be broken again, and what an application's own
   * codes mean (4000–4999) is its own to say. {@linkcode reconnect} goes by it.
   *
   * @returns What the close code says.
   *
   * @example Usage
   * ```ts
   * import { WebSocketError } from "@handfast/websocket";
   * import { assertEquals } from "@std/assert";
   *
   * const codes = [1000, 1012, 1008, 4000];
   * const retryable = codes.map((closeCode) => new WebSocketError("Closed", { closeCode }).retryable);
   *
   * assertEquals(retryable, [false, true, false, false]);
   * ```
   */
  get retryable(): boolean {
    return this.failure ? protocolFailures[this.failure].retryable : isRetryableCode(this.closeCode);
  }
}

/** Whether a Close frame may carry this code (RFC 6455 §7.4). 1004–1006 and 1015 are never sent, 1016–2999 are not assigned. */
export function isCloseCode(code: number): boolean {
  return code >= 1000 && code <= 1003 || code >= 1007 && code <= 1014 || code >= 3000 && code <= 4999;
}

/**
 * Checks the code and the reason that a caller wants to close with. A reason alone means 1000; without both the Close
 * frame has no payload.
 *
 * @throws {DOMException} `InvalidAccessError` for the code, `SyntaxError` for a reason of more than 123 bytes.
 * @throws {TypeError} When the reason is not a string, or the code has another name.
 */
export function checkClose(init: WebSocketErrorInit): { closeCode?: number; reason: string } {
  if (typeof init !== "object" || init === null || typeof (init.reason ?? "") !== "string") {
    throw new TypeError("Cannot close: the argument must be { closeCode, reason }, with the reason as a string");
  }
  if (init.closeCode === undefined && "code" in init) { // as a CloseEvent and others call it
    throw new TypeError("Cannot close: the code must be given as closeCode, not as code");
  }
  const reason = (init.reason ?? "").toWellFormed();
  const size = new TextEncoder().encode(reason).length;
  if (size > 123) {
    throw new DOMException(`Cannot close: the reason has ${size} bytes, the limit is 123`, "SyntaxError");
  }
  const { closeCode } = init;
  if (closeCode === undefined) return reason === "" ? { reason } : { closeCode: 1000, reason };
  if (!Number.isInteger(closeCode) || !isCloseCode(closeCode)) {
    const rule = "and must be 1000–1003, 1007–1014 or 3000–4999";
    throw new DOMException(`Cannot close: the code is ${closeCode}, ${rule}`, "InvalidAccessError");
  }
  return { closeCode, reason };
}

/** Errors of calls that came too late for their connection: others have the same name. */
const LATE = new WeakSet<object>();

/** Whether an error says that a connection has ended, and nothing else. */
export function isEndOfConnection(error: unknown): boolean {
  return error instanceof WebSocketError || typeof error === "object" && error !== null && LATE.has(error);
}

/** What calls still pending at a clean end reject with. Made for each of them, because the stack trace is its own. */
export function closedError(): DOMException {
  return lateError("The connection is closed");
}

function lateError(message: string): DOMException {
  const error = new DOMException(message, "InvalidStateError");
  LATE.add(error);
  return error;
}

/** What a call rejects with when the connection has ended or is closing; its cause says how it ended. */
export function notOpenError(action: string, end: CloseInfo | WebSocketError | undefined): DOMException {
  const error = lateError(`Cannot ${action}: the connection is not open`);
  if (!end) return error;
  const cause = end instanceof WebSocketError
    ? end
    : uncleanError("The connection was closed", { closeCode: end.closeCode, reason: end.reason });
  return Object.defineProperty(error, "cause", { value: cause, configurable: true, writable: true });
}

/** The error for a row of the protocol table; `detail` replaces the table's sentence as the message. */
export function protocolError(failure: ProtocolFailure, detail?: string, cause?: unknown): WebSocketError {
  const { closeCode, section, sentence } = protocolFailures[failure];
  return uncleanError(detail ?? sentence, { closeCode, reason: "", failure, section, cause });
}

/** An error with fields that the public constructor refuses or does not take, such as the code 1006. */
export function uncleanError(message: string, fields: Partial<WebSocketError>): WebSocketError {
  return Object.assign(new WebSocketError(message), fields);
}
