// What the README and the page about servers begin with, as a newcomer has it: copied as it stands into an empty folder, run
// by each runtime, and driven from outside.
//
// How the package gets there: on Bun and Node as the README says it for the file that npm publishes; on Deno by the import
// that `deno add` writes, and a link to this checkout in place of the download.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import config from "../../../deno.json" with { type: "json" };
import { blocksOf } from "../../../docs/make/pages.ts";
import { connect } from "../../../mod.ts";
import { test } from "../../kit/harness.ts";
import { findRuntimes, type Runtimes } from "../../kit/runtimes.ts";
import { type Process, start } from "../../peers/processes.ts";
import { emptyFolder, npmInstall, packageFile, run } from "./pack.ts";

const root = join(import.meta.dirname!, "../../..");

type Name = keyof Runtimes;

/** The program of a page, by the name that it has there. */
function programOf(page: string, name: string): string {
  const found = blocksOf(Deno.readTextFileSync(join(root, page))).filter(({ words }) => words.includes(name));
  assertEquals(found.length, 1, `${name} in ${page}`);
  return found[0]!.code;
}

/** The port that the programs have. */
const PORT = 8123;

/** Resolves once nobody has the port, such as the same test in another checkout. */
async function portIsFree(): Promise<void> {
  for (;;) {
    try {
      return Deno.listen({ hostname: "127.0.0.1", port: PORT }).close();
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100)); // nobody tells when it is free
    }
  }
}

/** What a newcomer does in an empty folder. */
const INSTALL: { readonly [Runtime in Name]: (folder: string, command: readonly string[]) => void } = {
  deno(folder) {
    const imports = { [config.name]: `jsr:${config.name}@^${config.version}` };
    const links = [root, ...config.links.map((link) => join(root, link))];
    writeFileSync(join(folder, "deno.json"), JSON.stringify({ imports, links, lock: false }));
  },
  bun: (folder, command) => void run([...command, "add", "--silent"], [packageFile()], folder),
  node(folder) {
    npmInstall([packageFile()], folder);
    run(["npm", "pkg", "set"], ["type=module"], folder);
  },
};

const commands = findRuntimes();
const installed = new Map<Name, string>();

/** A folder with nothing in it but the package, and the programs that were run before. */
function folderOf(runtime: Name): string {
  const folder = installed.get(runtime) ?? emptyFolder();
  if (!installed.has(runtime)) INSTALL[runtime](folder, commands[runtime]!);
  installed.set(runtime, folder);
  return folder;
}

/** How each runtime runs a file; Deno with the permissions that the README says. */
const ARGS: { readonly [Runtime in Name]: readonly string[] } = {
  deno: ["run", "--quiet", "--allow-net"],
  bun: [],
  node: [],
};

/** Runs a program of a page until `drive` is done. */
async function withProgram(
  runtime: Name,
  [page, name]: readonly [page: string, name: string],
  drive: (process: Process) => Promise<void>,
): Promise<void> {
  const folder = folderOf(runtime);
  if (name !== "client.ts") await portIsFree();
  writeFileSync(join(folder, name), programOf(page, name));
  const program = start(commands[runtime]!, [...ARGS[runtime], name], { cwd: folder });
  const deadline = setTimeout(() => program.child.kill("SIGKILL"), 20_000);
  try {
    await drive(program);
  } finally {
    clearTimeout(deadline);
    program.child.kill("SIGKILL");
    await program.ended;
  }
}

/** That there is an echo. */
async function checkEcho(): Promise<void> {
  const socket = await connect(`ws://127.0.0.1:${PORT}/`);
  const reader = socket.readable.getReader();
  for (const message of ["Hello", Uint8Array.of(1, 2, 3)]) {
    socket.send(message);
    assertEquals((await reader.read()).value, message);
  }
  await socket.close({ closeCode: 1000 });
}

/** Registers the tests. */
export function testFirstSteps(): void {
  for (const runtime of ["deno", "bun", "node"] as const) {
    const needs = { needs: runtime === "node" ? "npm" : [], lacks: commands[runtime] ? undefined : `needs ${runtime}` };

    test(`the server and the client of the README run in an empty folder on ${runtime}`, needs, async () => {
      await withProgram(runtime, ["README.md", "server.ts"], async (server) => {
        assertMatch(await server.line, new RegExp(`http://127\\.0\\.0\\.1:${PORT}/`));
        await checkEcho();
        const page = await (await fetch(`http://127.0.0.1:${PORT}/`, { headers: { connection: "close" } })).text();
        assert(page.length > 0);
        await withProgram(runtime, ["README.md", "client.ts"], async (client) => {
          const { code, output, complaints } = await client.ended;
          assertEquals({ code, complaints }, { code: 0, complaints: "" });
          assertStringIncludes(output, "Hello");
        });
        await checkEcho(); // it is still there
      });
    });

    test(`the server of docs/servers.md answers both kinds of requests on ${runtime}`, needs, async () => {
      await withProgram(runtime, ["docs/servers.md", "server.ts"], async (server) => {
        await server.line;
        await checkEcho();
        const response = await fetch(`http://127.0.0.1:${PORT}/page`, { headers: { connection: "close" } });
        assertEquals(await response.text(), "This is /page\n");
      });
    });

    test(`SIGTERM stops the server of docs/servers.md gracefully on ${runtime}`, needs, async () => {
      await withProgram(runtime, ["docs/servers.md", "stop.ts"], async (server) => {
        await server.line;
        const socket = await connect(`ws://127.0.0.1:${PORT}/`);
        process.kill(server.child.pid!, "SIGTERM"); // after child.kill() Deno tells no exit code
        assertEquals((await socket.closed).closeCode, 1001);
        const { code, output, complaints } = await server.ended;
        assertEquals({ code, complaints }, { code: 0, complaints: "" });
        assert(output.endsWith("finished\n"), output);
      });
    });
  }
}
