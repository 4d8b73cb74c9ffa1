// Idle WebSockets behind nginx and haproxy with the timeouts that both come with, and with all defaults of ours; it takes
// 130 s. To be run by hand, on any runtime:
//
//   deno run -A tests/load/idle.ts                20 connections for each proxy and role, of which none may be lost
//   deno run -A tests/load/idle.ts 100 never      another count, and without our Pings: all are lost

import process from "node:process";
import type { ConnectionOptions } from "../../mod.ts";
import { type Role, throughProxy } from "../peers/idle_links.ts";
import { REVERSE_PROXIES, type ReverseProxy } from "../peers/reverse_proxies.ts";
import { RUNTIME } from "./program.ts";

/** How long they are idle, in milliseconds: more than twice the longer one of the timeouts, which is 60 s. */
const DURATION = 130_000;

const [count = "20", pings] = process.argv.slice(2);
const options: ConnectionOptions = pings === "never" ? { pingInterval: 0, idleTimeout: 0 } : {};

/** What came of the connections of one proxy and role. */
async function measure(proxy: ReverseProxy, role: Role): Promise<number> {
  let lost = 0;
  await throughProxy(proxy, role, { patience: 2 * DURATION, connection: options }, async (open) => {
    const links = await open(Number(count)), seen = links.length;
    const ended: string[] = [];
    for (const { ours } of links) ours.closed.then(String, String).then((how) => ended.push(how));
    await new Promise((resolve) => setTimeout(resolve, DURATION));
    const pings = links.map(({ peer }) => peer.pings);
    lost = links.filter(({ peer }) => peer.lost !== undefined).length;
    console.log(
      `${RUNTIME}, ${role} behind ${proxy}: opened ${seen}, Pings ${Math.min(...pings)} to ${
        Math.max(...pings)
      } each, ` +
        `lost ${lost}${ended.length > 0 ? `, first by ${ended[0]}` : ""}`,
    );
  });
  return lost;
}

const lost = await Promise.all(
  REVERSE_PROXIES.flatMap((proxy) => (["server", "client"] as const).map((role) => measure(proxy, role))),
);
process.exit(lost.some((count) => count > 0) ? 1 : 0);
