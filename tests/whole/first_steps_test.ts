// What the README and the page about servers begin with, as a newcomer has it: copied as it stands into an empty folder, run
// by each runtime, and driven from outside.
//
// How the package gets there: on Deno by the import that `deno add` writes, and a link to this checkout in place of the
// download; on Bun and Node by a link in node_modules, as `npm link` makes one.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import config from "../../deno.json" with { type: "json" };
import { blocksOf } from "../../docs/make/pages.ts";
import { connect } from "../../mod.ts";
import { test } from "../kit/harness.ts";
import { findRuntimes, type Runtimes } from "../kit/runtimes.ts";
import { type Process, start } from "../peers/processes.ts";

const root = fileURLToPath(new URL("../..", import.meta.url).href);

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

/** What installing the package leaves in a folder. */
async function install(runtime: keyof Runtimes, directory: string): Promise<void> {
  if (runtime === "deno") {
    const imports = { [config.name]: `jsr:${config.name}@^${config.version}` };
    const links = [root, ...config.links.map((link) => join(root, link))];
    await writeFile(join(directory, "deno.json"), JSON.stringify({ imports, links, lock: false }));
    return;
  }
  const path = join(directory, "node_modules", config.name);
  await mkdir(dirname(path), { recursive: true });
  await symlink(root, path);
  await writeFile(join(directory, "package.json"), JSON.stringify({ type: "module" }));
}

/** How each runtime runs a file; Deno with the permissions that the README says. */
const ARGS: { readonly [Name in keyof Runtimes]: readonly string[] } = {
  deno: ["run", "--quiet", "--allow-net"],
  bun: [],
  node: [],
};

/** Runs a program of a page until `drive` is done. */
async function withProgram(
  runtime: keyof Runtimes,
  [page, name]: readonly [page: string, name: string],
  drive: (process: Process) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "first-steps-"));
  try {
    if (name !== "client.ts") await portIsFree();
    await install(runtime, directory);
    await writeFile(join(directory, name), programOf(page, name));
    const program = start(commands[runtime]!, [...ARGS[runtime], name], { cwd: directory });
    const deadline = setTimeout(() => program.child.kill("SIGKILL"), 20_000);
    try {
      await drive(program);
    } finally {
      clearTimeout(deadline);
      program.child.kill("SIGKILL");
      await program.ended;
    }
  } finally {
    await rm(directory, { recursive: true });
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

const commands = findRuntimes();
for (const runtime of ["deno", "bun", "node"] as const) {
  const lacks = commands[runtime] ? undefined : `needs ${runtime}`;

  test(`the server and the client of the README run in an empty folder on ${runtime}`, { lacks }, async () => {
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

  test(`the server of docs/servers.md answers both kinds of requests on ${runtime}`, { lacks }, async () => {
    await withProgram(runtime, ["docs/servers.md", "server.ts"], async (server) => {
      await server.line;
      await checkEcho();
      const response = await fetch(`http://127.0.0.1:${PORT}/page`, { headers: { connection: "close" } });
      assertEquals(await response.text(), "This is /page\n");
    });
  });

  test(`SIGTERM stops the server of docs/servers.md gracefully on ${runtime}`, { lacks }, async () => {
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
