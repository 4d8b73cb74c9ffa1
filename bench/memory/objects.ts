// What an idle connection is made of: the objects that each of them adds to the heap of a server, as its runtime's own
// snapshots tell them. `deno run -A bench/memory/objects.ts 'direct|ws on'`, with a regular expression for the servers.

import { spawn } from "node:child_process";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { findRuntimes } from "../../tests/kit/runtimes.ts";
import { type Peer, servers } from "../peers/servers.ts";
import { chromeRequest } from "../peers/wire.ts";
import type { Census } from "./census.ts";

/** How many are opened before the first count, and how many between the first and the second. */
const BEFORE = 200, COUNTED = 1000;

/** What is fewer than this, for each connection, is not of the connection. */
const LEAST = 0.1;

const CENSUS = fileURLToPath(new URL("census.ts", import.meta.url).href);

/** The command of a server, whose objects are counted. */
function counted(peer: Peer): string[] {
  const command = peer.command(0),
    file = command.findIndex((part) => part.endsWith(".ts")),
    [options = "{}"] = command.slice(file + 1);
  return [...command.slice(0, file), CENSUS, options, command[file]!];
}

/** A connection, once the server has answered. */
async function open(port: number): Promise<Socket> {
  const { request } = await chromeRequest(port), socket = connect(port, "127.0.0.1");
  const answered = Promise.withResolvers<void>();
  socket.on("data", () => answered.resolve()).on("error", answered.reject).on("close", answered.resolve);
  socket.write(request);
  await answered.promise;
  return socket;
}

/** What each connection adds. */
async function countObjects(peer: Peer): Promise<Census> {
  const [file, ...args] = counted(peer), sockets: Socket[] = [];
  const child = spawn(file!, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async (word: string) => {
    for (let line; !(line = await lines.next()).done;) {
      if (line.value.startsWith(`${word} `)) return line.value.slice(word.length + 1);
    }
    throw new Error(`${peer.name} has ended`);
  };
  try {
    const port = Number(await next("listening"));
    const count = async (connections: number): Promise<Census> => {
      for (let i = 0; i < connections; i++) sockets.push(await open(port));
      await new Promise((resolve) => setTimeout(resolve, 1000)); // what the last ones have left
      child.stdin.write("\n");
      return JSON.parse(await next("census"));
    };
    const before = await count(BEFORE), after = await count(COUNTED);
    return Object.fromEntries(
      Object.entries(after).map(([name, [count, bytes]]) => {
        const [least, leastBytes] = before[name] ?? [0, 0];
        return [name, [(count - least) / COUNTED, (bytes - leastBytes) / COUNTED]];
      }),
    );
  } finally {
    for (const socket of sockets) socket.destroy();
    child.kill("SIGKILL");
  }
}

/** A table, the largest first. */
function table(census: Census): string {
  const rows = Object.entries(census).filter(([, [count]]) => count >= LEAST).sort((a, b) => b[1][1] - a[1][1]);
  const sum = rows.reduce((sum, [, [count, bytes]]) => [sum[0]! + count, sum[1]! + bytes], [0, 0]);
  const lines = [...rows, ["**all**", sum] as const].map(([name, [count, bytes]]) => {
    return `| ${name} | ${+count!.toFixed(2)} | ${Math.round(bytes!)} |`;
  });
  return ["| object | each | bytes |", "| --- | ---: | ---: |", ...lines].join("\n");
}

const wanted = new RegExp(process.argv[2] ?? "direct", "i");
for (const peer of await servers(findRuntimes())) {
  if (peer.runtime === "C, C++" || peer.service !== "echo" || !wanted.test(peer.name)) continue;
  console.log(`\n${peer.name}\n\n${table(await countObjects(peer))}`);
}
