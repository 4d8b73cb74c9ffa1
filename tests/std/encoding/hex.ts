import * as std from "deno-std/encoding/hex.js";

export const encodeHex: (src: string | Uint8Array | ArrayBuffer) => string = std.encodeHex;
export const decodeHex: (src: string) => Uint8Array<ArrayBuffer> = std.decodeHex;
