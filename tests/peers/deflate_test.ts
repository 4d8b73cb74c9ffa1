// permessage-deflate with real peers in processes of their own (RFC 7692 §7): ours on each runtime with everybody
// else's client and server that can compress, with each size of window that all of them have, and each parameter. A
// thousand messages go to the server and come back, compressed in both directions where the peer does.

import { assertEquals } from "@std/assert";
import { test } from "../kit/harness.ts";
import { findRuntimes } from "../kit/runtimes.ts";
import { start, withServer } from "./processes.ts";
import { agreed, ownRows, read, type Row, rows } from "./deflate_rows.ts";
import type { Deflate } from "./programs/program.ts";
import { type PeerProgram, programs } from "./programs/programs.ts";
import { MANY } from "./programs/script.ts";

/** Who chooses no parameters. */
const UNTOLD: readonly string[] = ["undici", "bun"];
const PEERS: readonly string[] = ["python websockets", "beast", "ws", ...UNTOLD];

const rowsWith = ({ name }: PeerProgram) => UNTOLD.includes(name) ? ownRows : rows;

/** What the server of a peer makes of an offer of ours. */
function answered(server: PeerProgram, row: Row): Required<Deflate> | string {
  const { serverMaxWindowBits, serverNoContextTakeover } = row.ours;
  // Bun's declines one parameter of its side beside the other: there is no compression then
  const isDeclined = server.name === "bun" && serverMaxWindowBits !== undefined && serverNoContextTakeover;
  return isDeclined ? "" : agreed(row);
}

/** Plays all rows, and compares what was agreed, and that all messages have come back. */
async function play(
  client: PeerProgram,
  ports: readonly string[],
  rows: readonly Row[],
  side: "ours" | "theirs",
  expected: (row: Row) => Required<Deflate> | string,
): Promise<void> {
  const settings = JSON.stringify(rows.map((row) => row[side]));
  const urls = rows.map((_, i) => `ws://127.0.0.1:${ports[i]}/`);
  const { child, ended } = start(client.command!, ["connect", "--deflate", settings, ...urls]);
  child.stdin!.end();
  const { code, output, complaints } = await ended;
  const results = output.trim().split("\n").filter((line) => line !== "").map((line) => {
    const { messages, closeCode, extensions } = JSON.parse(line);
    return { messages, closeCode, agreed: read(extensions) };
  });
  assertEquals(
    { client: client.name, results, code, complaints },
    {
      client: client.name,
      results: rows.map((row) => ({ messages: MANY, closeCode: 1000, agreed: expected(row) })),
      code: 0,
      complaints: "",
    },
  );
}

const all = await programs(findRuntimes());
const isOurs = ({ name }: PeerProgram) => name.startsWith("ours");
const isPeer = ({ name }: PeerProgram) => PEERS.includes(name);

for (const server of all.filter((each) => (isOurs(each) || isPeer(each)) && each.roles.includes("serve"))) {
  const clients = all.filter(isOurs(server) ? isPeer : isOurs).filter(({ roles }) => roles.includes("connect"));
  const lacks = [server, ...clients].flatMap((program) => program.command ? [] : [program.reason])[0];
  const names = clients.map(({ name }) => name).join(", ");
  test(`compressed: the server of ${server.name}, and the clients of ${names}`, { lacks }, async () => {
    const [side, other] = isOurs(server) ? ["ours", "theirs"] as const : ["theirs", "ours"] as const;
    const served = isOurs(server) ? rows : rowsWith(server);
    await withServer(server.command!, ["--deflate", JSON.stringify(served.map((row) => row[side]))], async (ports) => {
      const left = [...clients];
      const work = async () => {
        for (let client; (client = left.shift());) {
          const played = isOurs(server) ? rowsWith(client) : served;
          await play(client, ports, played, other, (row) => answered(server, row));
        }
      };
      await Promise.all([work(), work()]);
    });
  });
}
