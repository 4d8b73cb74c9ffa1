// What a connection takes at each setting: resident memory of a server, for each of 500 connections that have echoed 20
// messages of 1 KiB, above what it takes without compression. See bench/README.md.

import process from "node:process";
import { fileURLToPath } from "node:url";
import { Deflater } from "../../src/protocol/deflate.ts";
import { findRuntimes } from "../../tests/kit/runtimes.ts";
import { frameOf, requestOf, runLoad } from "../load.ts";
import { median, startServer } from "../processes.ts";

const CONNECTIONS = 500, ROUNDS = Number(process.env.ROUNDS ?? 3);

const bare = { serverNoContextTakeover: true, clientNoContextTakeover: true };
const SETTINGS: readonly [name: string, offer: string, compression: object | boolean][] = [
  ["`false`", "", false],
  ["`true`", "; client_max_window_bits", true],
  ["windows of 10 bits", "; client_max_window_bits", { serverMaxWindowBits: 10, clientMaxWindowBits: 10, memLevel: 3 }],
  ["windows of 12 bits", "; client_max_window_bits", { serverMaxWindowBits: 12, clientMaxWindowBits: 12, memLevel: 5 }],
  ["windows of 15 bits", "; client_max_window_bits", { serverMaxWindowBits: 15, clientMaxWindowBits: 15 }],
  ["no context takeover", "; client_max_window_bits", bare],
];

const TEXT = new TextEncoder().encode(JSON.stringify(Array.from({ length: 60 }, (_, i) => `${i * 7919}, some more`)));

const path = fileURLToPath(new URL("../servers/ours.ts", import.meta.url).href);
const runtimes = findRuntimes();
const commands = {
  Deno: runtimes.deno && [...runtimes.deno, "run", "-A"],
  Bun: runtimes.bun,
  Node: runtimes.node,
};

const table = new Map(SETTINGS.map(([name]) => [name, [] as string[]]));
for (const command of Object.values(commands)) {
  if (!command) continue;
  let without = 0;
  for (const [name, offer, compression] of SETTINGS) {
    const found: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await using server = await startServer(name, [...command, path, JSON.stringify({ compression })]);
      const deflater = new Deflater({ windowBits: 10, level: 6, memLevel: 5, takesOver: false });
      const frame = compression ? frameOf(0xc2, deflater.compress(TEXT, true).slice()) : frameOf(0x82, TEXT);
      const request = requestOf(compression ? { "Sec-WebSocket-Extensions": "permessage-deflate" + offer } : {});
      const load = { port: server.port, depth: 1, request, frames: [frame], messages: 20 };
      await runLoad({ ...load, connections: 50 });
      const start = server.memory();
      await runLoad({ ...load, connections: CONNECTIONS }, async () => {
        await new Promise((resolve) => setTimeout(resolve, 2000));
        found.push((server.memory() - start) / CONNECTIONS / 1024);
      });
    }
    if (!compression) without = median(found);
    table.get(name)!.push((median(found) - (compression ? without : 0)).toFixed(0));
  }
}
console.log("| compression | Deno, KiB | Bun, KiB | Node, KiB |");
console.log("| --- | ---: | ---: | ---: |");
for (const [name, cells] of table) console.log(`| ${[name, ...cells].join(" | ")} |`);
