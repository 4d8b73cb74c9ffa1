// Compiles the server of Boost.Beast, where g++ and its headers are, unless it already was.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The program, or `undefined` where it can't be compiled. */
export async function beast(): Promise<string | undefined> {
  const source = fileURLToPath(new URL("../servers/beast.cpp", import.meta.url).href);
  const compiler = ["g++", "-std=c++17", "-O2", source, "-lpthread"];
  const hash = createHash("sha256").update(compiler.join(" ")).update(readFileSync(source)).digest("hex");
  const program = join(tmpdir(), `handfast-bench-beast-${hash.slice(0, 16)}`);
  if (existsSync(program)) return program;
  const unfinished = `${program}.${crypto.randomUUID()}`; // others may be compiling it too
  try {
    await execute([...compiler, "-o", unfinished]);
    renameSync(unfinished, program);
    return program;
  } catch (error) {
    console.error(
      `Without Boost.Beast, which needs g++ and Boost's headers: ${(error as Error).message.slice(0, 300)}`,
    );
    return undefined;
  }
}

/** The output of a command that ends well. */
export function execute([file, ...rest]: readonly string[], timeout = 180_000): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(file!, rest, { timeout }, (error, output) => error ? reject(error) : resolve(output));
  });
}
