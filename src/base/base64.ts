// Base64 (RFC 4648 §4) of the few bytes that a handshake has: keys, digests, passwords. The platform's btoa() and atob()
// do it on every runtime, several times faster than a package on JSR or npm, and nobody has to install one.

/** Bytes in base64, with padding. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 4096) {
    // Not spread, and not byte by byte, which would make garbage for each
    text += String.fromCharCode.apply(null, bytes.subarray(i, i + 4096) as unknown as number[]);
  }
  return btoa(text);
}

/**
 * The bytes of base64. Padding may be missing, as for atob().
 *
 * @throws {DOMException} `InvalidCharacterError` when it is not base64.
 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
