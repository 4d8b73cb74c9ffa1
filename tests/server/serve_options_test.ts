import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { serve, type ServeHandlers, type ServeOptions } from "../../mod.ts";
import { checkServeOptions } from "../../src/server/serve_options.ts";
import { test } from "../kit/harness.ts";

const CERT = "-----BEGIN CERTIFICATE-----", KEY = "-----BEGIN PRIVATE KEY-----";

/** Rows: what is wrong, the class of the error, and what it says. */
const WRONG: readonly [options: Record<string, unknown>, error: ErrorConstructor, says: string][] = [
  [{ port: -1 }, RangeError, "port: it is -1"],
  [{ port: 65536 }, RangeError, "port: it is 65536"],
  [{ port: "8080" }, RangeError, "port"],
  [{ port: NaN }, RangeError, "port: it is NaN"],
  [{ hostname: "" }, TypeError, "hostname"],
  [{ hostname: 127 }, TypeError, "hostname"],
  [{ unix: "" }, TypeError, "unix"],
  [{ unix: "/s", port: 1 }, TypeError, "port: a Unix socket"],
  [{ unix: "/s", hostname: "::" }, TypeError, "hostname: a Unix socket"],
  [{ unix: "/s", reusePort: true }, TypeError, "reusePort: a Unix socket"],
  [{ reusePort: 1 }, TypeError, "reusePort: it is 1, and must be true or false"],
  [{ cert: CERT }, TypeError, "also needs the option key"],
  [{ key: KEY }, TypeError, "also needs the option cert"],
  [{ cert: "cert.pem", key: KEY }, TypeError, "cert: it must be the text of a PEM file, not its path"],
  [{ cert: CERT, key: "key.pem" }, TypeError, "key: it must be the text"],
  [{ cert: new Uint8Array(3), key: KEY }, TypeError, "cert: it must be a string"],
  [{ onError: "log" }, TypeError, "onError"],
  [{ onListen: {} }, TypeError, "onListen"],
  [{ signal: {} }, TypeError, "signal"],
  [{ maxBodySize: -1 }, RangeError, "maxBodySize"],
  [{ handshakeTimeout: -1 }, RangeError, "handshakeTimeout"],
  [{ maxMessageSize: "1" }, RangeError, "maxMessageSize"],
  [{ protocols: [" "] }, TypeError, "protocols"],
  [{ clock: {} }, TypeError, "clock"],
];

for (const [options, error, says] of WRONG) {
  test(`serve() refuses ${JSON.stringify(options).replaceAll(/-----/g, "")} before it listens`, async () => {
    const failed: Error = await serve(options as ServeOptions, () => {}).then(() => new Error("It serves"), (e) => e);
    assertEquals([failed.name, failed instanceof error], [error.name, true]);
    assertStringIncludes(failed.message, says);
  });
}

test("serve() refuses what can't handle anything", () => {
  for (const handlers of [undefined, null, {}, { http: () => {} }, "echo", { socket: 1 }] as unknown[]) {
    assertThrows(() => checkServeOptions({}, handlers as ServeHandlers), TypeError, "second argument");
  }
  const handlers = { socket() {}, http: "page" } as unknown as ServeHandlers;
  assertThrows(() => checkServeOptions({}, handlers), TypeError, "handler http");
  for (const options of [undefined, null, 8080] as unknown[]) {
    assertThrows(() => checkServeOptions(options as ServeOptions, () => {}), TypeError, "{ port: 8000 }");
  }
});

test("an error about a key does not show it", () => {
  assertEquals(
    assertThrows(() => checkServeOptions({ cert: CERT, key: "secret" }, () => {}), TypeError).message.includes(
      "secret",
    ),
    false,
  );
});

test("serve() listens on port 8000 of this machine alone, unless it is told otherwise", () => {
  const { listening } = checkServeOptions({}, () => {});
  const address = { hostname: "127.0.0.1", port: 8000 };
  assertEquals(listening, { address, tls: undefined, reusePort: false, http2: false, handshakeTimeout: 10_000 });
  assertEquals(checkServeOptions({ unix: "/s" }, () => {}).listening.address, { unix: "/s" });
});
