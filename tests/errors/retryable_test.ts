import { assertEquals } from "@std/assert";
import { handshakeFailures, protocolFailures } from "../../src/errors/failures.ts";
import { HandshakeError } from "../../src/errors/handshake_error.ts";
import { isRetryableCode, isRetryableStatus } from "../../src/errors/retryable.ts";
import { protocolError, uncleanError } from "../../src/errors/websocket_error.ts";
import { test } from "../kit/harness.ts";

test("isRetryableStatus() knows the statuses that are about this moment (RFC 9110 §15)", () => {
  const statuses = Array.from({ length: 600 }, (_, status) => status);
  assertEquals(statuses.filter((status) => status < 500 && isRetryableStatus(status)), [408, 425, 429]);
  assertEquals(statuses.filter((status) => status >= 500 && !isRetryableStatus(status)), [
    501,
    505,
    506,
    508,
    510,
    511,
  ]);
  for (const status of [502, 503, 504, 521, 529, 599]) assertEquals(isRetryableStatus(status), true, `${status}`);
  assertEquals(isRetryableStatus(600), false);
});

test("isRetryableCode() knows the close codes that are about this moment (RFC 6455 §7.4)", () => {
  const codes = Array.from({ length: 5000 }, (_, code) => code);
  assertEquals(codes.filter(isRetryableCode), [1001, 1005, 1006, 1011, 1012, 1013, 1014, 3008]);
  assertEquals(isRetryableCode(null), false);
});

test("the failures before the upgrade that are worth another attempt are these", () => {
  const by = (wanted: unknown) =>
    Object.entries(handshakeFailures).filter(([, { retryable }]) => retryable === wanted).map(([failure]) => failure);
  const now = ["connection-closed", "dial-failed", "handshake-timeout"];
  assertEquals(by(true).sort(), [...now, "server-stopping", "too-many-connections", "too-many-requests"]);
  assertEquals(by("by status").sort(), ["proxy-refused", "status-not-101", "status-not-200", "unauthorized"]);
});

test("the failures after the upgrade that are worth another attempt are these", () => {
  const found = Object.entries(protocolFailures).filter(([, { retryable }]) => retryable).map(([failure]) => failure);
  assertEquals(found.sort(), ["connection-lost", "ping-timeout", "send-buffer-full"]);
});

test("HandshakeError.retryable goes by the failure, by the status, and by what it is told", () => {
  const of = (status?: number, retryable?: boolean) => {
    const response = status === undefined ? undefined : new Response(null, { status });
    return new HandshakeError("status-not-101", "", { response, retryable }).retryable;
  };
  assertEquals([of(503), of(429), of(401), of(302), of(200), of()], [true, true, false, false, false, false]);
  assertEquals([of(401, true), of(503, false)], [true, false]);
  assertEquals(new HandshakeError("dial-failed", "").retryable, true);
  assertEquals(new HandshakeError("tls-failed", "").retryable, false);
  assertEquals(new HandshakeError("tls-failed", "", { retryable: true }).retryable, true);
});

test("WebSocketError.retryable goes by the failure, or else by the code", () => {
  assertEquals(protocolError("connection-lost").retryable, true);
  assertEquals(protocolError("message-too-big").retryable, false);
  assertEquals([uncleanError("", { closeCode: 1012 }).retryable, uncleanError("", {}).retryable], [true, false]);
});
