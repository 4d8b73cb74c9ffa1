import { assert, assertEquals } from "@std/assert";
import { isAllowedOrigin, type Origins } from "../../src/handshake/origin.ts";
import { findProblem } from "../../src/handshake/request_checks.ts";
import { parseRequest } from "../../src/http/request_head.ts";
import { latin1, test } from "../kit/harness.ts";

/** Every field wrong, then made right one by one, with the failure before each. */
const STEPS: readonly (readonly [failure: string, name: string, wrong: string | null, right: string | null])[] = [
  ["body-present", "content-length", "5", "0"],
  ["body-present", "transfer-encoding", "chunked", null],
  ["upgrade-missing", "upgrade", "h2c", "websocket"],
  ["connection-missing", "connection", "close", "Upgrade"],
  ["key-invalid", "sec-websocket-key", "x", "dGhlIHNhbXBsZSBub25jZQ=="],
  ["version-unsupported", "sec-websocket-version", "8", "13"],
  ["protocol-malformed", "sec-websocket-protocol", "a, a", "a"],
  ["extension-malformed", "sec-websocket-extensions", "=", "foo"],
  ["head-malformed", "origin", "http://h, http://h", "http://evil.example"],
  ["origin-refused", "origin", "http://evil.example", "http://h"],
];

test("findProblem() finds what is wrong in the order of the RFC (RFC 6455 §4.2.1, §4.2.2)", () => {
  const fields = new Map<string, string | null>();
  for (const [, name, wrong] of STEPS) if (!fields.has(name)) fields.set(name, wrong);
  const headers = { get: (name: string) => fields.get(name.toLowerCase()) ?? null };
  const find = (method: string) => findProblem({ method, url: "http://h/", headers }, "same-host")?.failure;
  for (const [failure, name, , right] of STEPS) {
    assertEquals(find("POST"), "method-not-get");
    assertEquals(find("GET"), failure as never, name);
    fields.set(name, right);
  }
  assertEquals(find("GET"), undefined);
});

const upgradeOf = (fields: Record<string, string>) => {
  const headers = new Headers({
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-version": "13",
    ...fields,
  });
  headers.set("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
  return { method: "GET", url: "http://10.0.0.7:8080/", headers };
};

test("findProblem() says what an origin was compared with, and by which option (RFC 6455 §10.2)", () => {
  const detailOf = (fields: Record<string, string>, origins: Origins = "same-host") =>
    findProblem(upgradeOf({ origin: "https://app.example", ...fields }), origins)!.detail;
  const sameHost = (authority: string) =>
    `Origin is "https://app.example", not of "${authority}", which the request was sent to, nor listed in the option origins`;
  assertEquals(detailOf({}), sameHost("10.0.0.7:8080"));
  assertEquals(detailOf({ host: "upstream" }), sameHost("upstream"));
  assertEquals(
    detailOf({}, ["https://other.example"]),
    'Origin is "https://app.example", not listed in the option origins; the request was sent to "10.0.0.7:8080"',
  );
});

test("findProblem() does not show subprotocols, among which clients send tokens (RFC 6455 §4.2.1 (8))", () => {
  const problem = findProblem(upgradeOf({ "sec-websocket-protocol": "bearer s3cret" }), "any")!;
  assertEquals([problem.failure, problem.detail.includes("s3cret")], ["protocol-malformed", false]);
});

test("findProblem() lets the origin of any authority in that a head can have, as isAllowedOrigin() does (RFC 6455 §10.2)", () => {
  let count = 0;
  for (
    const authority of ["h", "H.example:80", "h:443", "h:", "[::1]:8080", "1.2.3.4", "127.1:1", "a_b~c", "%61", "xn--a"]
  ) {
    const fields = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (const scheme of ["http", "https"]) {
      const origin = `${scheme}://${authority}`;
      const lines = `Host: ${authority}\r\n${fields}Sec-WebSocket-Version: 13\r\nOrigin: ${origin}\r\n\r\n`;
      const head = parseRequest(latin1(`GET / HTTP/1.1\r\n${lines}`));
      if ("failure" in head) continue;
      assertEquals([findProblem(head, "same-host"), isAllowedOrigin(origin, authority, "same-host")], [
        undefined,
        true,
      ]);
      assertEquals(findProblem(head, ["http://other"])?.failure, "origin-refused");
      count++;
    }
  }
  assert(count >= 16, `${count} origins`);
});
