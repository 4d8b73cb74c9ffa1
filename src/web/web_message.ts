// Messages as the class WebSocket takes and tells them (WHATWG WebSockets §3.1, Web IDL).

import { bytesOf, isMarked } from "../base/owned_bytes.ts";
import { ownBuffer } from "../base/tuning.ts";
import { utf8Length } from "../base/utf8.ts";
import type { Message } from "../protocol/contract.ts";

/** What the class sends. */
export type WebMessage = Message | Blob;

const EMPTY = new Uint8Array();

/**
 * Converts what is sent (Web IDL: `(BufferSource or Blob or USVString)`).
 *
 * @throws {TypeError} When it can't be made a string, or is a view of memory that is shared.
 */
export function webMessage(data: unknown): WebMessage {
  if (typeof data === "string") return data;
  if (ArrayBuffer.isView(data)) {
    return data.byteLength === 0 && isDetached(data.buffer) ? EMPTY : data as Exclude<Message, string>;
  }
  if (data instanceof Blob) return data;
  // Also a buffer of another realm, which is refused below and not sent as "[object ArrayBuffer]"
  if (Object.prototype.toString.call(data) !== "[object ArrayBuffer]") return `${data}`;
  return isDetached(data as ArrayBuffer) ? EMPTY : data as ArrayBuffer;
}

/** A buffer that was transferred has no bytes left, which are what is sent then. */
function isDetached(buffer: ArrayBufferLike): boolean {
  return buffer.byteLength === 0 && (buffer as ArrayBuffer).detached === true;
}

/**
 * Checks what is not going to be sent.
 *
 * @throws {TypeError} When it is a buffer that is resizable, or a view of memory that is shared.
 */
export function checkMemory(message: WebMessage): void {
  if (typeof message === "object" && !(message instanceof Blob)) bytesOf(message);
}

/** How many bytes of payload it has. */
export function sizeOf(message: WebMessage): number {
  if (typeof message === "string") return utf8Length(message);
  return message instanceof Blob ? message.size : message.byteLength;
}

/**
 * What is told of bytes that came. They may be a view of a chunk, even of all of it, whose memory is read into again, or
 * freed: then they are copied. A buffer that they fill is nobody else's where they carry our mark.
 */
export function dataOf(bytes: Uint8Array<ArrayBuffer>, binaryType: "blob" | "arraybuffer"): Blob | ArrayBuffer {
  if (binaryType === "blob") return new Blob([bytes]);
  const { buffer, length } = bytes;
  return length === buffer.byteLength && isMarked(bytes) ? buffer : ownBuffer(bytes);
}
