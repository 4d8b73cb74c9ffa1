// What a user of the main entry downloads: the graph of mod.ts as it is published, without this checkout's stand-ins.

import { assert, assertEquals } from "@std/assert";
import { cp } from "node:fs/promises";
import { test } from "../kit/harness.ts";

interface Graph {
  readonly modules: readonly { readonly kind: string; readonly specifier: string }[];
  readonly npmPackages?: Readonly<Record<string, unknown>>;
}

/** The graph of an entry, in a folder that has the sources and nothing else. */
async function graphOf(entry: string): Promise<Graph> {
  const root = new URL("../../", import.meta.url), directory = await Deno.makeTempDir();
  try {
    await Deno.copyFile(new URL("mod.ts", root), `${directory}/mod.ts`);
    await cp(new URL("src/", root), `${directory}/src`, { recursive: true });
    const imports = { "pako": "npm:pako@^3.0.3" };
    await Deno.writeTextFile(`${directory}/deno.json`, JSON.stringify({ imports }));
    const args = ["info", "--json", entry];
    const { stdout } = await new Deno.Command(Deno.execPath(), { args, cwd: directory }).output();
    return JSON.parse(new TextDecoder().decode(stdout));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

test("the main entry needs one npm package, pako, and no runtime's types", async () => {
  const { modules, npmPackages = {} } = await graphOf("mod.ts");
  assertEquals(Object.keys(npmPackages).map((name) => name.replace(/@[^@]*$/, "")), ["pako"]);
  const other = modules.filter(({ kind }) => kind === "node").map(({ specifier }) => specifier);
  const ofSockets = ["node:events", "node:net", "node:stream", "node:tls"],
    ofPaths = ["node:fs", "node:http2", "node:path"];
  assertEquals(other.sort(), [...ofSockets, ...ofPaths, "node:buffer", "node:process"].sort());
  const names = modules.map(({ specifier }) => specifier.split("/").at(-1));
  const diallers = ["deno_dialler.ts", "bun_dialler.ts", "node_dialler.ts"];
  for (const reached of [...diallers, "deno_listener.ts", "bun_serving.ts", "node_listener.ts"]) {
    assert(names.includes(reached), reached);
  }
  for (const entry of ["bun.ts", "node.ts", "rooms.ts", "stream.ts", "testing.ts", "websocket.ts"]) {
    assert(!names.includes(entry), entry);
  }
});

for (const entry of ["bun", "node", "rooms", "stream", "testing", "websocket", "protocol/protocol"]) {
  test(`the entry ${entry} needs no other package`, async () => {
    const { npmPackages = {} } = await graphOf(`src/${entry}.ts`);
    assertEquals(Object.keys(npmPackages).filter((name) => !name.startsWith("pako@")), []);
  });
}
