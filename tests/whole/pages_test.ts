// The pages of the documentation: their tables are those of the code, their links lead somewhere, and what they say of the
// ranges of options holds.

import { assert, assertEquals, assertRejects } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { anchorsOf, blocksOf, linksOf, PAGES } from "../../docs/make/pages.ts";
import { NUMBERS, RANGES } from "../../docs/make/options.ts";
import { makeSite } from "../../docs/make/site.ts";
import { allTables, fill } from "../../docs/make/tables.ts";
import { Connections, readRequest } from "../../mod.ts";
import { connectionPair } from "../../src/testing.ts";
import { DEFAULTS } from "../../src/base/options.ts";
import { checkReconnectOptions } from "../../src/client/reconnect_options.ts";
import { checkLimits } from "../../src/server/limit_options.ts";
import { RateLimit } from "../../src/server/rate_limit.ts";
import { checkShutdown } from "../../src/server/shutdown_options.ts";
import { checkRoomsOptions } from "../../src/rooms/rooms_options.ts";
import { checkServeOptions } from "../../src/server/serve_options.ts";
import { checkCompression } from "../../src/protocol/compression_options.ts";
import { test } from "../kit/harness.ts";

const root = new URL("../../", import.meta.url), docs = new URL("docs/", root);
const read = (page: string) => Deno.readTextFileSync(new URL(page, docs));
const ALL = ["../README.md", ...PAGES];

test("every page of docs/ is in the list of pages", () => {
  const files = [...Deno.readDirSync(docs)].map(({ name }) => name).filter((name) => name.endsWith(".md"));
  assertEquals(files.sort(), [...PAGES].sort());
});

test("the tables of the pages are those that the code has: deno task docs writes them", async () => {
  // deno fmt pads the cells
  const squeeze = (text: string) => text.replace(/ +|-+/g, " ");
  const tables = await allTables(), used: string[] = [];
  for (const page of PAGES) {
    const text = read(page);
    assert(squeeze(text) === squeeze(fill(text, tables)), `docs/${page} is not up to date: run deno task docs`);
    used.push(...[...text.matchAll(/<!-- table: (.+?) -->/g)].map(([, name]) => name!));
  }
  assertEquals(used.sort(), [...tables.keys()].sort());
});

test("every link of a page leads to a page, a heading, or a file", () => {
  let count = 0;
  for (const page of ALL) {
    for (const link of linksOf(read(page))) {
      if (/^https?:/.test(link)) continue;
      count++;
      const [path = "", anchor] = link.split("#"), here = new URL(page, docs);
      const target = path === "" ? here : new URL(path, here);
      assert(Deno.statSync(target).isFile, `${page}: ${link}`);
      if (anchor) assert(anchorsOf(Deno.readTextFileSync(target)).includes(anchor), `${page}: no heading for ${link}`);
    }
  }
  assert(count > 30, `${count} links`);
});

test("the README has at most 200 lines", () => {
  const count = read("../README.md").split("\n").length - 1;
  assert(count <= 200, `${count} lines`);
});

test("what the README and the pages link to is published with them", async () => {
  const args = ["publish", "--dry-run", "--allow-dirty", "--no-check"];
  const { stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: root, env: { NO_COLOR: "1" } }).output();
  const published = new Set([...new TextDecoder().decode(stderr).matchAll(/^ *(file:\S+)/gm)].map(([, url]) => url!));
  assert(published.has(new URL("mod.ts", root).href), [...published].join("\n"));
  const dead = ALL.flatMap((page) =>
    linksOf(read(page)).filter((link) => !/^(?:https:|#)/.test(link)).map((link) =>
      new URL(link.split("#")[0]!, new URL(page, docs)).href
    ).filter((url) => !published.has(url)).map((url) => `${page}: ${url}`)
  );
  assertEquals(dead, []);
});

test("every program of the pages that is ignored by deno test --doc is run by another test", () => {
  for (const page of ALL) {
    for (const { language, words } of blocksOf(read(page))) {
      if (language !== "ts" || words.length === 0) continue;
      assertEquals(words[0], "ignore", `${page}: ${words}`);
      assert(
        words[1] === "bun" || /^(?:server|client|stop|worker|gatekeeper)\.ts$/.test(words[1] ?? ""),
        `${page}: ${words}`,
      );
    }
  }
});

test("deno task ok runs the programs of the README and of every page", () => {
  assert(
    /deno test -A --doc mod\.ts src README\.md docs\/\*\.md/.test(config.tasks.ok.command),
    config.tasks.ok.command,
  );
});

/** Checks one number among the options as a door does it. */
async function check(name: string, value: number): Promise<void> {
  if (name === "timeout") {
    const [client, server] = connectionPair();
    client.reset();
    await readRequest(server, { timeout: value }).catch((error) => {
      if (error instanceof RangeError) throw error;
    });
  } else if (name === "port") checkServeOptions({ port: value }, () => {});
  else if (name in LIMITS) new RateLimit({ limit: 1, [name]: value });
  else if (name in SHUTDOWN) checkShutdown({ [name]: value, ...SHUTDOWN[name] }, { closeTimeout: 0, retryAfter: 0 });
  else if (name.startsWith("maxConnections") || name === "maxPendingHandshakes") checkLimits({ [name]: value }, true);
  else if (name === "slowAbove") new Connections().broadcast("", { slowAbove: value });
  else if (name in COMPRESSION) checkCompression({ [name]: value }, COMPRESSION[name]!);
  else if (name === "firstDelay") checkReconnectOptions({ firstDelay: value, maxDelay: 2 ** 31 - 1 });
  else if (ROOMS.includes(name)) checkRoomsOptions({ [name]: value });
  else checkReconnectOptions({ [name]: value }); // and with them those of connect()
}

/** The options of a limit, and those of a shutdown with what they need beside them. */
const LIMITS = { limit: 0, window: 0, maxKeys: 0 },
  SHUTDOWN: Readonly<Record<string, object>> = { within: {}, retryAfter: {}, spread: { within: 0 } };

const ROOMS: readonly string[] = ["maxQueuedMessages", "maxQueuedBytes", "publishTimeout"];

/** The options of compression, and the role for which the last number of the text holds. */
const COMPRESSION: Readonly<Record<string, "client" | "server">> = {
  threshold: "client",
  level: "client",
  memLevel: "client",
  serverMaxWindowBits: "client",
  clientMaxWindowBits: "server",
};

/** The ends of a range: what passes, and what does not. */
function endsOf(range: string): { readonly good: readonly number[]; readonly bad: readonly number[] } {
  if (range === RANGES.delay || range === RANGES.time) {
    return { good: [0, 0.5, 2 ** 31 - 1], bad: [-1, 2 ** 31, Infinity, NaN] };
  }
  if (range === RANGES.size) return { good: [0, 1, Infinity], bad: [-1, 0.5, NaN] };
  if (range === RANGES.head) return { good: [1, Infinity], bad: [0, 1.5, NaN] };
  if (range === NUMBERS.limit) return { good: [1, 2 ** 40], bad: [0, 1.5, NaN, Infinity] };
  if (range === RANGES.pause) return { good: [0.5, 1, 2 ** 31 - 1], bad: [0, 2 ** 31, NaN, Infinity] };
  const [, from, to] = /^(\d+) to (\d+)/.exec(range)!.map(Number);
  return { good: [from!, to!], bad: [from! - 1, to! + 1, from! + 0.5] };
}

for (const [name, range] of Object.entries(NUMBERS)) {
  test(`the option ${name} is in its range as the page says: ${range}`, async () => {
    const { good, bad } = endsOf(range);
    for (const value of good) await check(name, value);
    for (const value of bad) await assertRejects(() => check(name, value), RangeError, name);
  });
}

test("a window of 256 bytes is not for our own compression, as the page says", () => {
  for (const [name, role] of [["serverMaxWindowBits", "server"], ["clientMaxWindowBits", "client"]] as const) {
    checkCompression({ [name]: 9 }, role);
    let error: unknown;
    try {
      checkCompression({ [name]: 8 }, role);
    } catch (thrown) {
      error = thrown;
    }
    assert(error instanceof RangeError, name);
  }
});

test("every default that is a number has a range on the page", () => {
  assertEquals(Object.keys(DEFAULTS).filter((name) => !(name in NUMBERS)), []);
});

test("the site has every page, and every link in it leads to a page or a heading", async () => {
  const directory = await Deno.makeTempDir(), site = new URL(`file://${directory}/`);
  try {
    await makeSite(root, site);
    let count = 0;
    for (const page of ["index.html", ...PAGES.map((name) => name.replace(/\.md$/, ".html").toLowerCase())]) {
      const html = await Deno.readTextFile(new URL(page, site));
      assert(/<h1 id=/.test(html), page);
      for (const [, link] of html.matchAll(/(?:href|src)="([^"]+)"/g)) {
        if (/^(?:https?:|reference\/)/.test(link!)) continue;
        count++;
        const [path = "", anchor] = link!.split("#"), target = new URL(path === "" ? page : path, site);
        assert((await Deno.stat(target)).isFile, `${page}: ${link}`);
        if (anchor) assert((await Deno.readTextFile(target)).includes(` id="${anchor}"`), `${page}: ${link}`);
      }
    }
    assert(count > 300, `${count} links`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
