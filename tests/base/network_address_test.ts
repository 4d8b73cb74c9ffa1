import { assertEquals } from "@std/assert";
import { networkOf } from "../../src/base/network_address.ts";
import { test } from "../kit/harness.ts";

/** Rows: an address, and what it counts as. */
const ADDRESSES: readonly [address: string, network: string][] = [
  ["192.0.2.7", "192.0.2.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:DB8:1:2::", "2001:db8:1:2::/64"],
  ["2001:0db8:0001:0002:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["2001:db8:0:1::1", "2001:db8:0:1::/64"],
  ["::1", "0:0:0:0::/64"],
  ["::", "0:0:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["::ffff:192.0.2.7", "192.0.2.7"],
  ["::ffff:c000:207", "192.0.2.7"],
  ["::FFFF:0.0.0.1", "0.0.0.1"],
  ["a token", "a token"],
  ["10.0.0.1:8080", "10.0.0.1"],
  ["[2001:db8::1]:1234", "2001:db8:0:0::/64"],
  ["[2001:db8::1]", "2001:db8:0:0::/64"],
  ["[fe80::1%eth0]:1234", "fe80:0:0:0::/64"],
  ["[::ffff:192.0.2.7]:1234", "192.0.2.7"],
  ["user:1234", "user:1234"],
  ["[user]:1234", "[user]:1234"],
  ["10.0.0.1:no port", "10.0.0.1:no port"],
  ["no:address]/", "no:address]/"],
  ["", ""],
];

for (const [address, network] of ADDRESSES) {
  test(`networkOf() counts ${JSON.stringify(address)} as ${JSON.stringify(network)}`, () => {
    assertEquals(networkOf(address), network);
  });
}
