// Real peers in processes of their own: ours on each runtime with ours on each runtime, and with everybody else's client
// and server, over TCP and over TLS. The script that a client plays is in programs/script.ts.

import { assertEquals } from "@std/assert";
import { findRuntimes } from "../kit/runtimes.ts";
import { test } from "../kit/harness.ts";
import { pem, start, withServer } from "./processes.ts";
import { type PeerProgram, programs } from "./programs/programs.ts";
import { script } from "./programs/script.ts";

/** What a client says that has played the script and was closed as it should be. */
const PLAYED = {
  code: 0,
  output: JSON.stringify({ messages: 2 * script.length, closeCode: 1000 }) + "\n",
  complaints: "",
};

async function play(client: readonly string[], url: string): Promise<typeof PLAYED> {
  const trust = url.startsWith("wss:") ? ["--ca", pem("ca")] : [];
  const { child, ended } = start(client, ["connect", url, ...trust]);
  child.stdin!.end();
  return await ended as typeof PLAYED;
}

const all = await programs(findRuntimes());
const isOurs = ({ name }: PeerProgram) => name.startsWith("ours");
const clients = all.filter(({ roles }) => roles.includes("connect"));

for (const server of all.filter(({ roles }) => roles.includes("serve"))) {
  const pairs = clients.filter((client) => isOurs(server) || isOurs(client));
  const lacks = [server, ...pairs].flatMap((program) => program.command ? [] : [program.reason])[0];
  for (const scheme of ["TCP", "TLS"]) {
    const names = pairs.map(({ name }) => name).join(", ");
    test(
      `the server of ${server.name} over ${scheme}, and the clients of ${names}`,
      { lacks },
      () => {
        const isSecure = scheme === "TLS", identity = isSecure ? ["--tls", pem("localhost"), pem("localhost.key")] : [];
        return withServer(server.command!, identity, async ([port]) => {
          const url = isSecure ? `wss://localhost:${port}/` : `ws://127.0.0.1:${port}/`;
          const outcomes: [string, unknown][] = [];
          // Two at a time; and each twice, since servers of ours echo by one face after the other
          const left = isOurs(server) ? pairs.flatMap((client) => [client, client]) : [...pairs];
          const work = async () => {
            for (let client; (client = left.shift());) outcomes.push([client.name, await play(client.command!, url)]);
          };
          await Promise.all([work(), work()]);
          assertEquals(outcomes, outcomes.map(([name]) => [name, PLAYED]));
        });
      },
    );
  }
}
