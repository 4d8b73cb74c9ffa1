// The page of docs/examples/rooms.ts in Chromium, its servers in processes of their own, which share a Redis: what people
// see of a server that is killed.

import { assert, assertEquals, assertMatch } from "@std/assert";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { CHROMIUM_ARGS } from "../kit/chromium.ts";
import { Engine, lacksEngine } from "../kit/engines.ts";
import { program, test } from "../kit/harness.ts";
import { findRuntimes } from "../kit/runtimes.ts";
import { type Process, start } from "../peers/processes.ts";
import { runOn } from "../load/program.ts";

/** After so long nothing can come any more. */
const PATIENCE = 60_000;

const runtimes = findRuntimes(), example = fileURLToPath(new URL("../../docs/examples/rooms.ts", import.meta.url).href);

type Name = keyof typeof runtimes;

const lacks = (["deno", "bun", "node"] as const).filter((name) => !runtimes[name]).map((name) => `needs ${name}`)[0] ??
  lacksEngine("redis");

/** Servers of the chat, each in a process of its own: those that a test leaves behind are killed. */
class Servers implements AsyncDisposable {
  readonly #running = new Map<string, Process>();

  /** Starts one; gives its URL. */
  async start(name: Name, env: Readonly<Record<string, string>> = {}): Promise<string> {
    const all = { PORT: "0", HOST: "", REDIS_URL: "", NATS_URL: "", NO_COLOR: "1", ...env };
    const running = start(runOn(name, runtimes[name]!), [example], { env: all });
    const url = /^Serving (http:\S+) /.exec(await running.line)![1]!;
    this.#running.set(`${name} ${url}`, running);
    return url;
  }

  /** Ends one as its owner does. */
  async stop(name: Name, url: string): Promise<void> {
    const { code, complaints } = await this.#end("SIGTERM", name, url);
    assertEquals({ code, complaints }, { code: 0, complaints: "" }, name);
  }

  async kill(name: Name, url: string): Promise<void> {
    await this.#end("SIGKILL", name, url);
  }

  #end(signal: "SIGKILL" | "SIGTERM", name: Name, url: string): Process["ended"] {
    const { child, ended } = this.#running.get(`${name} ${url}`)!;
    this.#running.delete(`${name} ${url}`);
    process.kill(child.pid!, signal); // child.kill() of Deno says of any end that it was by the signal
    return ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child, ended } of this.#running.values()) {
      child.kill("SIGKILL");
      await ended;
    }
  }
}

/** What a test opens, and what the pages complain of. */
class Visits {
  readonly #browser: Browser;
  readonly complaints: string[] = [];

  constructor(browser: Browser) {
    this.#browser = browser;
  }

  /** A browser that nobody has used: pages of one share a name. */
  async open(url: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.#browser.newContext(options), page = await context.newPage();
    page.setDefaultTimeout(PATIENCE / 2);
    page.on("console", (message) => {
      // Who tries to come back to a server that is dead is told so
      const isExpected = /^WebSocket connection to .* failed: .*ERR_CONNECTION_REFUSED$/.test(message.text());
      if (!isExpected) this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    await page.goto(url);
    return page;
  }

  /** Somebody who has a name, and is in the lobby. */
  async enter(url: string, name: string, options?: BrowserContextOptions): Promise<Page> {
    const page = await this.open(url, options);
    // The boxes are in the order of the keyboard, and the first has the focus
    await page.keyboard.type(name);
    await page.keyboard.press("Enter");
    await state(page, "open");
    return page;
  }
}

/** Runs with a browser, and servers that are killed at the end if they are still there. */
async function visiting(run: (visits: Visits) => Promise<void>): Promise<void> {
  const browser = await chromium.launch({ executablePath: program("chromium")!, args: CHROMIUM_ARGS });
  const deadline = setTimeout(() => browser.close(), 2 * PATIENCE), visits = new Visits(browser);
  try {
    await run(visits);
  } finally {
    clearTimeout(deadline);
    await browser.close();
  }
  assertEquals(visits.complaints, []);
}

const state = (page: Page, name: string) => page.locator(`#state[data-state="${name}"]`).waitFor();

async function say(page: Page, ...texts: string[]): Promise<void> {
  for (const text of texts) {
    await page.getByLabel("Message", { exact: true }).fill(text);
    await page.keyboard.press("Enter");
  }
}

/** Waits until so many messages are there; gives what they say. */
async function messages(page: Page, count: number): Promise<string[]> {
  const log = page.locator("#log .message .text");
  await log.nth(count - 1).waitFor();
  return await log.allTextContents();
}

/** Waits until just these are there. */
async function people(page: Page, ...names: string[]): Promise<void> {
  // An initial, and the name; no script may be evaluated to look, as the page's policy wants it
  const shown = new RegExp(`^${names.map((name) => `${name[0]}${name}(you)?`).join("")}$`);
  await page.locator("#list", { hasText: shown }).waitFor();
}

test(
  "people on two servers hear each other, and lose nothing when one is killed",
  { needs: "chromium", lacks },
  () =>
    visiting(async (visits) => {
      await using redis = await Engine.start("redis");
      await using servers = new Servers();
      const env = { REDIS_URL: redis.url };
      const [first, second] = await Promise.all([servers.start("node", env), servers.start("bun", env)]);
      const ada = await visits.enter(first, "Ada"), bob = await visits.enter(second, "Bob");
      await Promise.all([people(ada, "Ada", "Bob"), people(bob, "Ada", "Bob")]);
      await say(ada, "Hello", "<b>not markup</b>");
      assertEquals(await messages(bob, 2), ["Hello", "<b>not markup</b>"]);
      await bob.reload();
      await state(bob, "open");
      assertEquals(await messages(bob, 2), ["Hello", "<b>not markup</b>"]);

      await ada.locator("#message").focus();
      await servers.kill("node", first);
      await state(ada, "lost");
      await say(bob, "Ada?", "Are you there?");
      await say(ada, "I type on");
      await ada.keyboard.type("and on");
      assertEquals(await ada.evaluate("document.activeElement.id"), "message");
      assertEquals(await ada.locator("#unsent .text").allTextContents(), ["I type on"]);

      await servers.start("deno", { ...env, PORT: new URL(first).port });
      await state(ada, "open");
      assertEquals(await ada.evaluate("document.activeElement.id"), "message");
      assertEquals(await ada.getByLabel("Message", { exact: true }).inputValue(), "and on");
      const all = ["Hello", "<b>not markup</b>", "Ada?", "Are you there?", "I type on"];
      assertEquals([await messages(ada, 5), await messages(bob, 5)], [all, all]);
      assertEquals(await ada.locator("#unsent .text").count(), 0);
      await Promise.all([people(ada, "Ada", "Bob"), people(bob, "Ada", "Bob")]);
      await ada.reload();
      assertEquals(await messages(ada, 5), all);
      await servers.kill("bun", second);
      await people(ada, "Ada"); // a while after nothing more is heard of his server
      await servers.stop("deno", first);
    }),
);

test("several processes serve one port, and a page that one of them gives up goes to another", {
  needs: "chromium",
  lacks: lacks ?? (process.platform === "linux" ? undefined : "needs Linux"),
}, () =>
  visiting(async (visits) => {
    await using redis = await Engine.start("redis");
    await using servers = new Servers();
    const env = { REDIS_URL: redis.url, REUSE_PORT: "1" }, url = await servers.start("deno", env);
    const ada = await visits.enter(url, "Ada");
    await say(ada, "One");
    await messages(ada, 1);
    await servers.start("node", { ...env, PORT: new URL(url).port });
    await servers.stop("deno", url);
    await say(ada, "Two");
    await state(ada, "open");
    assertEquals(await messages(ada, 2), ["One", "Two"]);
    await servers.stop("node", url);
  }));

/** A server of one process. */
async function alone(run: (visits: Visits, url: string) => Promise<void>): Promise<void> {
  await using servers = new Servers();
  const url = await servers.start("deno");
  await visiting((visits) => run(visits, url));
  await servers.stop("deno", url);
}

test(
  "the keyboard alone does everything, and what is wrong is not sent",
  { needs: "chromium", lacks },
  () =>
    alone(async (visits, url) => {
      const page = await visits.open(url), { keyboard } = page;
      await keyboard.press("Enter");
      await keyboard.type("   ");
      await keyboard.press("Enter");
      assert(await page.locator("#door").isVisible());
      await keyboard.type("Ada");
      await keyboard.press("Tab");
      await keyboard.type("kitchen");
      await keyboard.press("Enter");
      await state(page, "open");
      await page.waitForURL(/#kitchen$/);
      await keyboard.press("Enter"); // nothing is typed
      await keyboard.type("a");
      await keyboard.press("Shift+Enter");
      await keyboard.type("b");
      await keyboard.press("Enter");
      assertEquals(await messages(page, 1), ["a\nb"]);
      assertEquals(await page.title(), "#kitchen");
      await page.getByRole("button", { name: "Leave" }).press("Enter");
      await page.locator("#room:focus").waitFor(); // the page hears of its new address in a task of its own
      await page.goBack();
      await state(page, "open");
      assertEquals(await messages(page, 1), ["a\nb"]);
    }),
);

test(
  "the log is read out when somebody speaks, and not for what was said before",
  { needs: "chromium", lacks },
  () =>
    alone(async (visits, url) => {
      const ada = await visits.enter(url, "Ada"), log = ada.getByRole("log", { name: "Messages" });
      assertEquals(await log.count(), 1);
      await ada.locator('#log[aria-busy="false"]').waitFor();
      await say(ada, "Hello", "again");
      await messages(ada, 2);
      // Who speaks on is not named again for the eye, but for the ear
      assertMatch((await ada.locator("#log .message").nth(1).textContent())!, /^Ada.*again$/);
      assertEquals(await ada.getByRole("status").textContent(), "Connected");
      const address = await visits.open(`${url}#${encodeURIComponent("people:lobby")}`);
      assert(await address.locator("#door").isVisible());
    }),
);

test(
  "whoever reads further up stays there, and is told of what comes",
  { needs: "chromium", lacks },
  () =>
    alone(async (visits, url) => {
      const [ada, bob] = [await visits.enter(url, "Ada"), await visits.enter(url, "Bob")];
      await say(ada, ...Array.from({ length: 40 }, (_, i) => `Line ${i}`));
      await messages(bob, 40);
      await bob.locator('#log[aria-busy="false"]').waitFor();
      await bob.evaluate(`document.querySelector("#scroll").scrollTop = 0`);
      await say(ada, "One more");
      await bob.getByRole("button", { name: "1 new message" }).click();
      await bob.locator("#log .message").last().waitFor();
      await bob.locator("#newer").waitFor({ state: "hidden" });
      assertEquals(await bob.evaluate("document.activeElement.id"), "message");
    }),
);

test(
  "the page fits a phone and a desktop, in light and in dark",
  { needs: "chromium", lacks },
  () =>
    alone(async (visits, url) => {
      const page = await visits.open(url), papers = new Set<unknown>();
      const check = async () => {
        for (const [width, height] of [[320, 600], [390, 844], [1280, 800]] as const) {
          await page.setViewportSize({ width, height });
          for (const colorScheme of ["light", "dark"] as const) {
            await page.emulateMedia({ colorScheme });
            assertEquals(await page.evaluate("document.documentElement.scrollWidth"), width);
            papers.add(await page.evaluate("getComputedStyle(document.body).backgroundColor"));
          }
        }
      };
      await check();
      await page.keyboard.type("Ada with a name as long as names can be!");
      await page.keyboard.press("Enter");
      await state(page, "open");
      await say(page, "x".repeat(2000));
      await messages(page, 1);
      await check();
      assertEquals(papers.size, 2);
      const box = (await page.locator("#write").boundingBox())!;
      assert(box.y >= 0 && box.y + box.height <= 800, JSON.stringify(box));

      await page.setViewportSize({ width: 390, height: 844 });
      const list = page.locator("#list");
      assert(!await list.isVisible());
      await page.getByRole("button", { name: "1 here" }).click();
      assert(await list.isVisible());
      await page.keyboard.press("Escape");
      assert(!await list.isVisible());
    }),
);
