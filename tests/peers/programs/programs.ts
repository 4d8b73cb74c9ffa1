// The programs of this folder as a table: what each is called, which roles it has, and how it is started, or why it
// cannot be here. All have the command line of program.ts.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Runtimes } from "../../kit/runtimes.ts";

export type Role = "serve" | "connect";

/** The command that a program's own arguments follow, or why there is none. */
export type Start = { readonly command: readonly string[] } | { readonly command: undefined; readonly reason: string };

/** A row of the table. */
export type PeerProgram = { readonly name: string; readonly roles: readonly Role[] } & Start;

/** All programs. What has to be compiled is compiled, unless it already was: the first time takes up to a minute. */
export async function programs(runtimes: Runtimes): Promise<PeerProgram[]> {
  const rows: readonly [name: string, roles: readonly Role[], start: Start | Promise<Start>][] = [
    ["ours on Deno", ["serve", "connect"], onRuntime("deno", runtimes.deno, "ours.ts")],
    ["ours on Bun", ["serve", "connect"], onRuntime("bun", runtimes.bun, "ours.ts")],
    ["ours on Node", ["serve", "connect"], onRuntime("node", runtimes.node, "ours.ts")],
    ["python websockets", ["serve", "connect"], python("python_websockets.py", "websockets")],
    ["python wsproto", ["serve", "connect"], python("python_wsproto.py", "wsproto")],
    ["beast", ["serve", "connect"], compiled("beast.cpp")],
    ["ws", ["serve", "connect"], onRuntime("node", runtimes.node, "ws.ts")],
    ["undici", ["connect"], onRuntime("node", runtimes.node, "undici.ts")],
    ["bun", ["serve", "connect"], onRuntime("bun", runtimes.bun, "bun.ts")],
    ["deno", ["serve", "connect"], onRuntime("deno", runtimes.deno, "deno.ts")],
  ];
  return await Promise.all(rows.map(async ([name, roles, start]) => ({ name, roles, ...await start })));
}

/** How a program in TypeScript is started on a runtime. */
export function onRuntime(name: keyof Runtimes, runtime: Runtimes[keyof Runtimes], file: string): Start {
  if (!runtime) return { command: undefined, reason: `needs ${name}` };
  const permissions = name === "deno" ? ["run", "--no-prompt", "--allow-net", "--allow-read"] : [];
  return { command: [...runtime, ...permissions, path(file)] };
}

/** How a program in Python is started by an interpreter that has the library. */
export async function python(file: string, library: string): Promise<Start> {
  // A Python from elsewhere may come first on PATH and not see what the system has installed
  for (const interpreter of ["/usr/bin/python3", "python3"]) {
    const { code } = await execute([interpreter, "-c", `import ${library}`]);
    if (code === 0) return { command: [interpreter, "-B", path(file)] }; // -B: leaves no __pycache__
  }
  return { command: undefined, reason: `needs python3 with ${library}` };
}

async function compiled(file: string): Promise<Start> {
  const headers = ["boost/beast.hpp", "openssl/ssl.h"];
  const probe = headers.map((header) => `#if !__has_include(<${header}>)\n#error\n#endif\n`).join("");
  const { code } = await execute(["g++", "-std=c++17", "-E", "-x", "c++", "-"], probe);
  if (code !== 0) return { command: undefined, reason: `needs g++ with ${headers.join(" and ")}` };
  const source = path(file), libraries = ["-lssl", "-lcrypto", "-lpthread"];
  const compiler = ["g++", "-std=c++17", "-O1", source, ...libraries];
  const hash = createHash("sha256").update(compiler.join(" ")).update(readFileSync(source)).digest("hex");
  const program = join(tmpdir(), `handfast-${file}-${hash.slice(0, 16)}`);
  if (!existsSync(program)) {
    const unfinished = `${program}.${crypto.randomUUID()}`; // others may be compiling it too
    const { code, errors } = await execute([...compiler, "-o", unfinished]);
    if (code !== 0) throw new Error(`Cannot compile ${file}:\n${errors}`);
    renameSync(unfinished, program);
  }
  return { command: [program] };
}

function path(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url).href);
}

/** Runs a command to its end. The code is 0 when it could be started and says that all went well. */
function execute([file, ...rest]: string[], input = ""): Promise<{ code: unknown; errors: string }> {
  return new Promise((resolve) => {
    const child = execFile(file!, rest, (error, _, errors) => resolve({ code: error ? error.code ?? 1 : 0, errors }));
    child.stdin?.on("error", () => {}); // it may be gone without having read
    child.stdin?.end(input);
  });
}
