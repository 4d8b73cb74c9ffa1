// Listed among the published files although nothing published reaches it: `deno publish` refuses a package when a local
// module that its exports load in this checkout is left out.

import * as std from "deno-std/encoding/base64.js";

export const encodeBase64: (data: ArrayBuffer | Uint8Array | string) => string = std.encodeBase64;
export const decodeBase64: (b64: string) => Uint8Array<ArrayBuffer> = std.decodeBase64;
