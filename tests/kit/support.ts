// What works where: the table of docs/runtimes.md, and for each of its cells a case that shows it on that runtime.

import type { Outcome } from "./report.ts";

/** The runtimes, in the table's order. */
export const RUNTIMES = ["Deno", "Bun", "Node"] as const;

type Runtime = typeof RUNTIMES[number];

/** A row: what, how it is done on each runtime, and the name of the case that shows it; a list where it differs. */
type Row = readonly [
  what: string,
  how: readonly [deno: string, bun: string, node: string],
  shown: string | readonly (string | undefined)[],
];

const NO = "–";
const all = (how: string): Row[1] => [how, how, how];

/** The rows. */
export const SUPPORT: readonly Row[] = [
  [
    "`accept()` over TCP",
    ["`Deno.listen()`", "`listen()`", "`fromSocket()`"],
    "connect() dials, and Host has the port (RFC 6455 §4.1 (4))",
  ],
  [
    "`accept()` over TLS",
    ["`Deno.listenTls()`", "`listen({ tls })`", "`fromSocket()`"],
    "over TLS a server to a client echoes by receive() what is sent by the streams, and both close",
  ],
  [
    "`accept()` over a unix socket",
    ["`Deno.listen()`", "`listen({ unix })`", "`fromSocket()`"],
    "connect() dials a unix socket, accept() takes what came by one, and Host is the URL's",
  ],
  ["`connect()` dials `ws:`", all("yes"), "connect() dials a name, and takes http: for ws:"],
  [
    "`connect()` dials `wss:`",
    all("yes"),
    "connect() to wss: does TLS, by a CA that it was told of (RFC 6455 §4.1 (5))",
  ],
  [
    "`connect({ unix })`",
    all("yes"),
    "connect() dials a unix socket, accept() takes what came by one, and Host is the URL's",
  ],
  [
    "`connect({ proxy })`, `ws:`",
    all("yes"),
    "connect() to ws: through a proxy with a password asks for a tunnel (RFC 9110 §9.3.6)",
  ],
  [
    "`connect({ proxy })`, `wss:`",
    all("yes"),
    "connect() to wss: through a proxy with a password asks for a tunnel (RFC 9110 §9.3.6)",
  ],
  [
    "`connect({ cert, key })`",
    all("yes"),
    "a client certificate arrives, directly, and so does the name (RFC 6066 §3)",
  ],
  [
    "… through a proxy",
    ["`node:tls`", "yes", "yes"],
    "a client certificate arrives, through a proxy, and so does the name (RFC 6066 §3)",
  ],
  ["`connect({ followRedirects })`", all("yes"), "a redirect within an origin keeps what was given as fields"],
  [
    "`handshakeTimeout` and `signal` close the socket in TLS",
    ["no", "yes", "yes"],
    "handshakeTimeout covers the TLS handshake: the connection is closed",
  ],
  ["sockets of `node:net`", all("`fromSocket()`"), "a WebSocket over sockets of node:net, both ends, by both faces"],
  [
    "sockets of `node:tls`",
    ["not held back", "`fromSocket()`", "`fromSocket()`"],
    "a WebSocket over sockets of node:tls",
  ],
  [
    "any other `Duplex`",
    all("`fromSocket()`"),
    "over any other duplex nothing that somebody may keep is changed",
  ],
  ["upgrades of `node:http`", all("`fromUpgrade()`"), "fromUpgrade() takes what the upgrade event of node:http gives"],
  [
    "upgrades of `node:https`",
    ["not held back", "`fromUpgrade()`", "`fromUpgrade()`"],
    "fromUpgrade() takes what the upgrade event of node:https gives",
  ],
  ["a Hono app on `@hono/node-server`", all("`fromUpgrade()`"), "docs/examples/hono_node.ts echoes, and closes"],
  [
    "`answer()` in front of the runtime's own server",
    ["`Deno.serve()`", "`Bun.serve()`", NO],
    ["docs/examples/deno_serve.ts echoes, and closes", "docs/examples/bun_serve.ts echoes, and closes", undefined],
  ],
  [
    "any pair of Web Streams",
    all("yes"),
    "a hundred connections at once, each on a pair of streams, echo without mixing",
  ],
  [
    "a refusal reaches a client that is still sending",
    all("yes"),
    "a server on a pair of streams gets a refusal through to a client that sends 100 KiB of a head and reads afterwards",
  ],
];

/** The table as it stands in docs/runtimes.md. */
export function supportTable(): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rows = SUPPORT.map(([what, how]) => line([what, ...how]));
  return [line(["", ...RUNTIMES]), line(["-", "-", "-", "-"]), ...rows].join("\n");
}

/** The cells of a runtime whose case has not passed. */
export function unsupported(runtime: Runtime, outcomes: ReadonlyMap<string, Outcome>): string[] {
  const column = RUNTIMES.indexOf(runtime);
  return SUPPORT.flatMap(([what, how, shown]) => {
    if (how[column] === NO) return [];
    const name = typeof shown === "string" ? shown : shown[column]!;
    return outcomes.get(name) === "passed" ? [] : [`not shown: ${what} on ${runtime}: «${name}»`];
  });
}
