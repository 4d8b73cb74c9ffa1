// permessage-deflate beside ws: echoed messages per second of the server's CPU time, and memory of a connection, with the
// same level, memory level, window and threshold. See bench/README.md.

import process from "node:process";
import { findRuntimes } from "../../tests/kit/runtimes.ts";
import { Deflater } from "../../src/protocol/deflate.ts";
import { json } from "../echo/ring.ts";
import { frameOf, type Load, requestOf, runLoad } from "../load.ts";
import { type BenchServer, median, startServer } from "../processes.ts";
import { fileURLToPath } from "node:url";

const ROUNDS = Number(process.env.ROUNDS ?? 5), CONNECTIONS = 32, DEPTH = 16;
const MESSAGES = Number(process.env.MESSAGES ?? 600), IDLE = 500;
const LEVEL = 6, MEM_LEVEL = 8, WINDOW = 15;

/** The messages as they go over the wire, with a window that is kept or not. */
function frames(takesOver: boolean): Uint8Array[] {
  const deflater = new Deflater({ windowBits: WINDOW, level: LEVEL, memLevel: MEM_LEVEL, takesOver });
  return Array.from({ length: MESSAGES }, (_, i) => frameOf(0xc1, deflater.compress(json(i), true).slice()));
}

const PARAMETERS = { true: "", false: "; server_no_context_takeover; client_no_context_takeover" } as const;

const path = (name: string) => fileURLToPath(new URL(`../servers/${name}.ts`, import.meta.url).href);

function servers(takesOver: boolean): [name: string, file: string, options: object][] {
  const bare = { serverNoContextTakeover: !takesOver, clientNoContextTakeover: !takesOver };
  const ours = { ...bare, level: LEVEL, memLevel: MEM_LEVEL, threshold: 0, serverMaxWindowBits: WINDOW };
  const zlibDeflateOptions = { level: LEVEL, memLevel: MEM_LEVEL };
  return [
    ["ours", "ours", { compression: ours }],
    ["ours by default", "ours", { compression: { ...bare, threshold: 0 } }],
    ["ws", "ws", { perMessageDeflate: { ...bare, threshold: 0, zlibDeflateOptions } }],
  ];
}

/** Messages per second of CPU time. */
async function speedOf(started: BenchServer, load: Omit<Load, "port">): Promise<number> {
  await using server = started;
  await runLoad({ ...load, port: server.port }); // what is compiled is compiled
  const before = server.cpu();
  const { messages, extensions } = await runLoad({ ...load, port: server.port });
  if (!extensions.startsWith("permessage-deflate")) throw new Error(`${server.name} does not compress: ${extensions}`);
  return messages / (server.cpu() - before);
}

/** KiB of a connection that has sent and received. */
async function memoryOf(started: BenchServer, load: Omit<Load, "port">): Promise<number> {
  await using server = started;
  const short = { ...load, port: server.port, messages: 20, depth: 1 };
  await runLoad({ ...short, connections: 50 });
  const start = server.memory();
  let memory = 0;
  await runLoad({ ...short, connections: IDLE }, async () => {
    await new Promise((resolve) => setTimeout(resolve, 2000));
    memory = server.memory() - start;
  });
  return memory / IDLE / 1024;
}

const runtimes = findRuntimes();
const commands = {
  Bun: runtimes.bun,
  Deno: runtimes.deno && [...runtimes.deno, "run", "-A"],
  Node: runtimes.node,
};

console.log("| runtime | takeover | server | messages per CPU second | to ws | KiB a connection | to ws |");
console.log("| --- | --- | --- | ---: | ---: | ---: | ---: |");
for (const [runtime, command] of Object.entries(commands)) {
  if (!command) continue;
  for (const takesOver of [true, false]) {
    const figures = new Map<string, { speed: number[]; memory: number[] }>();
    const load = {
      connections: CONNECTIONS,
      depth: DEPTH,
      request: requestOf({ "Sec-WebSocket-Extensions": "permessage-deflate" + PARAMETERS[`${takesOver}`] }),
      frames: frames(takesOver),
      messages: MESSAGES,
    };
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, file, options] of servers(takesOver)) {
        const start = () => startServer(name, [...command, path(file), JSON.stringify(options)]);
        const speed = await speedOf(await start(), load), memory = await memoryOf(await start(), load);
        const found = figures.get(name) ?? { speed: [], memory: [] };
        found.speed.push(speed);
        found.memory.push(memory);
        figures.set(name, found);
      }
    }
    const ws = figures.get("ws")!;
    for (const [name, { speed, memory }] of figures) {
      const cells = [
        median(speed).toFixed(0),
        (median(speed) / median(ws.speed)).toFixed(2),
        median(memory).toFixed(0),
        (median(memory) / median(ws.memory)).toFixed(2),
      ];
      console.log(`| ${[runtime, takesOver ? "yes" : "no", name, ...cells].join(" | ")} |`);
    }
  }
}
