// Stands in for jsr:@std/encoding where JSR is out of reach: the package's types over the same functions from npm.

export * from "./base64.ts";
export * from "./base64url.ts";
export * from "./hex.ts";
