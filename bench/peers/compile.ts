// Compiles the servers in C and C++, where the compiler and the library's headers are, unless it already did.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** How a server in bench/servers/ is compiled, and what that needs. */
const SOURCES = {
  beast: { file: "beast.cpp", compiler: ["g++", "-std=c++17", "-O2"], libraries: [], needs: "g++ and Boost" },
  lws: { file: "lws.c", compiler: ["gcc", "-O2"], libraries: ["-lwebsockets"], needs: "gcc and libwebsockets" },
} as const;

/** The program, or `undefined` where it can't be compiled. */
export async function compiled(name: keyof typeof SOURCES): Promise<string | undefined> {
  const { file, compiler, libraries, needs } = SOURCES[name];
  const source = fileURLToPath(new URL(`../servers/${file}`, import.meta.url).href);
  const command = [...compiler, source, ...libraries, "-lpthread"];
  const hash = createHash("sha256").update(command.join(" ")).update(readFileSync(source)).digest("hex");
  const program = join(tmpdir(), `handfast-bench-${name}-${hash.slice(0, 16)}`);
  if (existsSync(program)) return program;
  const unfinished = `${program}.${crypto.randomUUID()}`; // others may be compiling it too
  try {
    await execute([...command, "-o", unfinished]);
    renameSync(unfinished, program);
    return program;
  } catch (error) {
    console.error(`Without ${file}, which needs ${needs}, with headers: ${(error as Error).message.slice(0, 300)}`);
    return undefined;
  }
}

/** The output of a command that ends well. */
export function execute([file, ...rest]: readonly string[], timeout = 180_000): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(file!, rest, { timeout }, (error, output) => error ? reject(error) : resolve(output));
  });
}
