// A server in a process of its own that demands a certificate of its clients.

import { assertEquals } from "@std/assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { findRuntimes } from "./runtimes.ts";

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url).href);

const { node } = findRuntimes();
const pem = (name: string) => pathOf(`tls/${name}.pem`);

/** What its tests need. */
export const NEEDS_NODE = { lacks: node ? undefined : "needs node" };

/** A server that tells whose certificate it got. */
export async function withMtls(run: (port: number) => Promise<void>, version?: "--http2"): Promise<void> {
  const program = pathOf("../peers/programs/mtls.ts");
  const args = [program, pem("localhost"), pem("localhost.key"), pem("clients-ca"), ...version ? [version] : []];
  const child = spawn(node![0]!, [...node!.slice(1), ...args], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "close");
  try {
    const [line] = await once(child.stdout.setEncoding("utf8"), "data") as [string];
    await run(Number(/^listening (\d+)\n$/.exec(line)?.[1]));
  } finally {
    child.stdin.end();
    assertEquals(await exited, [0, null]);
  }
}
