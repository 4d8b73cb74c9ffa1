// What a session of HTTP/2 costs a server: an echo to 32 WebSockets in one session, beside 32 TCP connections.
//
//   deno run -A bench/http2/load.ts [seconds]
//
// starts a server on each runtime, with each version of HTTP, and prints how many messages it echoes in a second of its CPU
// time. The load runs under Node, which this file starts with itself.

import process from "node:process";
import { fileURLToPath } from "node:url";
import { connect } from "../../mod.ts";
import { findRuntimes } from "../../tests/kit/runtimes.ts";
import { execute } from "../peers/compile.ts";
import { table } from "../peers/results.ts";
import { median, pinned, startServer } from "../processes.ts";
import { cpuMeter } from "../usage.ts";

const COUNT = 32, WINDOW = 16, SIZES = [20, 1024], ROUNDS = 5;

/** Keeps messages on their way, and gives how many came back in a second of the server's CPU time. */
async function load(port: string, pid: string, isHttp2: boolean, size: number, seconds: number): Promise<number> {
  const message = new Uint8Array(size), cpu = cpuMeter(Number(pid));
  let count = 0;
  const sockets = await Promise.all(
    Array.from({ length: COUNT }, () => connect(`ws://127.0.0.1:${port}/`, { http2: isHttp2 })),
  );
  for (const socket of sockets) {
    socket.receive((echo) => {
      if (echo.length !== size) throw new Error(`${echo.length} bytes came back`);
      count++;
      socket.send(message);
    }).catch(() => {});
    for (let i = 0; i < WINDOW; i++) socket.send(message);
  }
  const wait = (seconds: number) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  await wait(seconds / 2);
  const [before, from] = [count, cpu()];
  await wait(seconds);
  return (count - before) / (cpu() - from);
}

const [first, pid, version, size, seconds] = process.argv.slice(2);
if (pid !== undefined) {
  console.log(await load(first!, pid, version === "2", Number(size), Number(seconds)));
  process.exit();
}

const runtimes = findRuntimes(), ours = fileURLToPath(new URL("../servers/ours.ts", import.meta.url).href);
const COMMANDS = [
  ["Bun", runtimes.bun],
  ["Deno", runtimes.deno && [...runtimes.deno, "run", "-A"]],
  ["Node", runtimes.node],
] as const;

const rows: string[][] = [];
for (const [name, command] of COMMANDS) {
  if (!command) continue;
  for (const size of SIZES) {
    const figures: Record<"1" | "2", number[]> = { 1: [], 2: [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const version of ["1", "2"] as const) {
        const options = JSON.stringify({ door: "serve", http2: version === "2" });
        await using server = await startServer(name, [...command, ours, options]);
        const args = [`${server.port}`, `${server.pid}`, version, `${size}`, first ?? "3"];
        const output = await execute(pinned(1, [...runtimes.node!, fileURLToPath(import.meta.url), ...args]));
        figures[version].push(Number(output));
      }
    }
    const [tcp, http2] = [median(figures[1]), median(figures[2])];
    rows.push([name, `${size} B`, tcp.toFixed(0), http2.toFixed(0), (http2 / tcp).toFixed(2)]);
  }
}
console.log(table(["server", "message", `${COUNT} connections`, `${COUNT} streams of one`, "ratio"], rows, 2));
