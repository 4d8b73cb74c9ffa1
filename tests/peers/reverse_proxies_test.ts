// nginx and haproxy in front of ours: an idle connection lasts, in both roles, and a page of the same host is let in.

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type HandshakeError, WebSocketError } from "../../mod.ts";
import { test } from "../kit/harness.ts";
import { serving } from "../kit/serving.ts";
import { request, type Role, throughProxy } from "./idle_links.ts";
import { lacks, REVERSE_PROXIES, type ReverseProxy, withReverseProxy } from "./reverse_proxies.ts";

/** How long the proxies let a connection be idle, and how often we ping: a busy machine may lose two seconds. */
const TIMEOUT = 3000, PING_INTERVAL = 600;

/** With so many Pings a connection has been idle but for them for thrice the timeout. */
const PINGS = Math.ceil(3 * TIMEOUT / PING_INTERVAL);

const COUNT = 5;

const ROLES = ["server", "client"] as const;

for (const proxy of REVERSE_PROXIES) {
  const title = `idle connections through ${proxy} last by Pings, a server's and a client's (RFC 6455 §5.5.2)`;
  test(title, { lacks: lacks(proxy) }, async () => {
    const hold = (role: Role) =>
      throughProxy(proxy, role, { timeout: TIMEOUT, connection: { pingInterval: PING_INTERVAL } }, async (open) => {
        const links = await open(COUNT);
        await Promise.all(links.map(({ peer }) => peer.pinged(PINGS)));
        assertEquals(links.map(({ peer }) => peer.lost), new Array(COUNT).fill(undefined));
      });
    /** That the proxy does cut those that are silent. */
    const lose = (role: Role) =>
      throughProxy(proxy, role, { timeout: TIMEOUT, connection: { pingInterval: 0 } }, async (open) => {
        for (const { ours, peer } of await open(COUNT)) {
          const { failure } = await assertRejects(() => ours.closed, WebSocketError);
          assertEquals([failure, peer.pings], ["connection-lost", 0]);
        }
      });
    const ended = await Promise.allSettled(ROLES.flatMap((role) => [hold(role), lose(role)]));
    for (const outcome of ended) if (outcome.status === "rejected") throw outcome.reason;
  });
}

/** Rows: what the proxy sends as Host, what a browser says, and whether it is let in. */
const visits: readonly {
  readonly proxy: ReverseProxy;
  readonly host?: string;
  readonly Host: string;
  readonly Origin: string;
  readonly status: 101 | 403;
}[] = [
  { proxy: "nginx", Host: "chat.example", Origin: "https://chat.example", status: 101 },
  { proxy: "nginx", Host: "chat.example:8443", Origin: "https://chat.example:8443", status: 101 },
  { proxy: "nginx", Host: "chat.example", Origin: "https://elsewhere.example", status: 403 },
  // It leaves out the port
  { proxy: "nginx", host: "$host", Host: "chat.example:8443", Origin: "https://chat.example:8443", status: 403 },
  // That is what nginx does unless it is told otherwise
  { proxy: "nginx", host: "$proxy_host", Host: "chat.example", Origin: "https://chat.example", status: 403 },
  { proxy: "haproxy", Host: "chat.example", Origin: "https://chat.example", status: 101 },
  { proxy: "haproxy", Host: "chat.example:8443", Origin: "https://chat.example:8443", status: 101 },
  { proxy: "haproxy", Host: "chat.example", Origin: "https://elsewhere.example", status: 403 },
];
for (const { proxy, host, Host, Origin, status } of visits) {
  const what = `${Origin} is ${status === 101 ? "let in" : "refused"} at ${Host}`;
  test(`behind ${proxy}${host ? ` with Host set to ${host}` : ""}, ${what} (RFC 6455 §10.2)`, {
    lacks: lacks(proxy),
  }, async () => {
    await using server = await serving(() => {});
    await withReverseProxy(proxy, { to: server.port, ...host && { host } }, async (port) => {
      const peer = await request(port, { Host, Origin });
      assertStringIncludes(await peer.head(), `HTTP/1.1 ${status} `);
      peer.close();
    });
    await server.shutdown();
    const failures = server.told.map(({ error }) => (error as HandshakeError).failure);
    assertEquals(failures, status === 101 ? [] : ["origin-refused"]);
  });
}
