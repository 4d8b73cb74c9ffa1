import { assertEquals } from "@std/assert";
import { type Certificate, identityError } from "../../src/runtime/node_identity.ts";
import { test } from "../kit/harness.ts";

/** Rows: a certificate, and the hosts that it is for (RFC 9525 §6.3). */
const ROWS: readonly [name: string, certificate: object, hosts: readonly string[]][] = [
  ["a common name alone", { subject: { CN: "a.example" } }, []],
  ["a common name beside an address", { subject: { CN: "a.example" }, subjectaltname: "IP Address:10.1.2.3" }, [
    "10.1.2.3",
  ]],
  ["a name", { subject: { CN: "b.example" }, subjectaltname: "DNS:a.example" }, ["a.example"]],
  ["names by a wildcard", { subject: {}, subjectaltname: "DNS:*.a.example" }, ["x.a.example"]],
  ["an address as a name", { subject: {}, subjectaltname: "DNS:10.1.2.3" }, []],
  ["an address of IPv6", { subject: {}, subjectaltname: "IP Address:2001:DB8:0:0:0:0:0:1" }, ["2001:db8::1"]],
];

for (const [name, certificate, hosts] of ROWS) {
  test(`identityError() takes a certificate with ${name} for ${hosts.join(", ") || "nobody"}`, () => {
    const all = ["a.example", "x.a.example", "b.example", "10.1.2.3", "2001:db8::1"];
    assertEquals(all.filter((host) => !identityError(host, certificate as Certificate)), hosts);
  });
}
