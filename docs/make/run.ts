// `deno task docs`: puts the tables into the pages, and makes the site of pages and reference in docs/site/.

import { PAGES } from "./pages.ts";
import { joinReference, makeSite } from "./site.ts";
import { allTables, fill } from "./tables.ts";

const docs = new URL("../", import.meta.url), tables = await allTables();
for (const page of PAGES) {
  const file = new URL(page, docs), text = await Deno.readTextFile(file), filled = fill(text, tables);
  if (filled !== text) await Deno.writeTextFile(file, filled);
}
await deno("fmt", "-q", ...PAGES.map((page) => `docs/${page}`));

const site = new URL("site/", docs);
await Deno.remove(site, { recursive: true }).catch(() => {});
await Deno.mkdir(site, { recursive: true });
await makeSite(new URL("../", docs), site);
const entries = [
  "mod.ts",
  "src/bun.ts",
  "src/node.ts",
  "src/rooms.ts",
  "src/stream.ts",
  "src/testing.ts",
  "src/websocket.ts",
  "src/protocol.ts",
];
await deno("doc", "--html", "--name=Handfast", "--output=docs/site/reference", ...entries);
await joinReference(new URL("reference/", site));
console.log(`Open ${new URL("index.html", site)}`);

/** Runs a command of Deno's in the project. */
async function deno(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: new URL("../", docs) }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}
