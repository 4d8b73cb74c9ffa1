import { type ProtocolFailure, protocolFailures } from "./failures.ts";

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
