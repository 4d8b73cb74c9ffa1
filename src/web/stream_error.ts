// The errors of WebSocketStream, and the close code and reason as the web takes them (WHATWG WebSockets, PR 48): with the
// conversions of Web IDL, and only the codes that a page may send.

import {
  checkClose,
  type CloseInfo,
  WebSocketError as ConnectionError,
  type WebSocketErrorInit,
} from "../errors/websocket_error.ts";
import { toNumber } from "./web_idl.ts";

/**
 * The error of a `WebSocketStream` that could not be opened, or was not closed cleanly. It is the `WebSocketError` of the
 * main entry (`instanceof` says so), which lets its maker choose only the codes that the web allows.
 *
 * @example The codes of the web
 * ```ts
 * import { WebSocketError } from "@handfast/websocket/stream";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const { name, closeCode, reason } = new WebSocketError("Enough", { closeCode: 3456, reason: "done" });
 *
 * assertEquals([name, closeCode, reason], ["WebSocketError", 3456, "done"]);
 * assertThrows(() => new WebSocketError("", { closeCode: 1001 }), DOMException, "1000 or 3000–4999");
 * ```
 */
export class WebSocketError extends ConnectionError {
  /**
   * Makes an error, to close with by `writable.abort()` or `readable.cancel()`.
   *
   * @param message The message.
   * @param init The code and the reason. With a reason and no code it is 1000.
   * @throws {DOMException} `InvalidAccessError` for a code other than 1000 and 3000–4999, `SyntaxError` for a reason of more
   * than 123 bytes of UTF-8.
   * @throws {TypeError} When `init` is not an object, or the code is no number from 0 to 65535.
   */
  constructor(message = "", init: WebSocketErrorInit = {}) {
    super(`${message}`, webClose(init));
  }
}

/**
 * Converts and checks the code and the reason of `close()` and of an error (Web IDL: `[EnforceRange] unsigned short`,
 * `USVString`).
 *
 * @throws {DOMException} `InvalidAccessError` for the code, `SyntaxError` for the reason.
 * @throws {TypeError} When it is not an object, or the code is no number from 0 to 65535.
 */
export function webClose(init: WebSocketErrorInit | null = {}): { closeCode?: number; reason: string } {
  if (init !== null && typeof init !== "object" && typeof init !== "function") {
    throw new TypeError("Cannot close: the argument must be { closeCode, reason }");
  }
  const { closeCode: given, reason = "" } = init ?? {};
  const closeCode = given === undefined ? undefined : Math.trunc(toNumber(given));
  if (closeCode !== undefined && !(closeCode >= 0 && closeCode <= 0xffff)) {
    throw new TypeError(`Cannot close: the code is ${given}, and must be a number from 0 to 65535`);
  }
  if (closeCode !== undefined && closeCode !== 1000 && !(closeCode >= 3000 && closeCode <= 4999)) {
    const message = `Cannot close: the code is ${closeCode}, and must be 1000 or 3000–4999`;
    throw new DOMException(message, "InvalidAccessError");
  }
  return checkClose({ closeCode, reason: `${reason}` });
}

/** The error of a connection that was never opened. */
export function notOpenedError(message: string, cause?: unknown): WebSocketError {
  return Object.assign(new WebSocketError(message), { closeCode: 1006, cause });
}

/** The error of a connection which the peer has closed while a message was being written. */
export function unwrittenError({ closeCode, reason }: CloseInfo): WebSocketError {
  return Object.assign(new WebSocketError("The peer closed before everything was written"), { closeCode, reason });
}

/** Makes the error of a connection one of ours. It stays the same object, which others have already been given. */
export function asStreamError(error: ConnectionError): WebSocketError {
  return Object.setPrototypeOf(error, WebSocketError.prototype);
}
