import * as std from "deno-std/encoding/base64url.js";

export const encodeBase64Url: (data: ArrayBuffer | Uint8Array | string) => string = std.encodeBase64Url;
export const decodeBase64Url: (b64url: string) => Uint8Array<ArrayBuffer> = std.decodeBase64Url;
