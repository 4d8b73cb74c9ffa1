// `deno task docs`: puts the tables into the pages, and makes the site of pages and reference in docs/site/.

import { allTables, fill } from "./tables.ts";
import { readFile, writeFile } from "node:fs/promises";
import { PAGES } from "./pages.ts";
import { makeSite } from "./site.ts";

const docs = new URL("../", import.meta.url);
const tables = await allTables();
for (const page of PAGES) {
  const text = await readPage(page), filled = fill(text, tables);
  if (filled !== text) await Deno.writeTextFile(new URL(page, docs), filled);
}
await new Deno.Command(Deno.execPath(), { args: ["fmt", "-q", "docs"], cwd: new URL("../", docs) }).output();
console.log(await makeSite());
