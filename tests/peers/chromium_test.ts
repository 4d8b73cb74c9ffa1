// Chromium against the demonstration: the page as a person uses it, and WebSockets of its own making.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { serveDemonstration } from "../../docs/examples/one_port.ts";
import { accept, type Server } from "../../mod.ts";
import { CHROMIUM_ARGS } from "../kit/chromium.ts";
import { program, test } from "../kit/harness.ts";
import { listen, portOf } from "../kit/tcp.ts";
import { agreed, ownRows, read } from "./deflate_rows.ts";
import { MANY, many } from "./programs/script.ts";

const PATIENCE = 30_000;

interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly server: Server;
  /** Stops the server. */
  stop(): void;
}

/** Opens the page in a browser of its own; whatever the page complains of fails the test. */
async function visit(run: (visit: Visit) => Promise<void>): Promise<void> {
  const stop = new AbortController(), { signal } = stop;
  const server = await serveDemonstration({ port: 0, signal });
  const profile = await mkdtemp(join(tmpdir(), "chromium-"));
  const complaints: string[] = [];
  try {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: program("chromium")!,
      headless: true,
      args: CHROMIUM_ARGS,
    });
    // Ends whatever waits for something that never comes
    const deadline = setTimeout(() => context.close(), PATIENCE);
    try {
      const page = context.pages()[0] ?? await context.newPage();
      page.setDefaultTimeout(PATIENCE / 2);
      page.on("console", (message) => {
        // Who tries to come back to a server that has stopped is told so
        const isExpected = signal.aborted && /^WebSocket connection to .* failed/.test(message.text());
        if (!isExpected && ["error", "warning"].includes(message.type())) complaints.push(message.text());
      });
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("requestfailed", (request) => complaints.push(`${request.url()} ${request.failure()?.errorText}`));
      await page.goto(server.url!);
      await run({ page, context, server, stop: () => stop.abort() });
    } finally {
      clearTimeout(deadline);
      await context.close();
    }
  } finally {
    stop.abort();
    await server.finished;
    await rm(profile, { recursive: true });
  }
  assertEquals(complaints, []);
}

const state = (page: Page, name: string) => page.locator(`#state[data-state="${name}"]`).waitFor();

/** Runs the body of an asynchronous function in the page. */
function inPage<T>(page: Page, body: string): Promise<T> {
  return page.evaluate(`(async () => { ${body} })()`) as Promise<T>;
}

test(
  "the page connects, and a message that is typed comes back",
  { needs: "chromium" },
  () =>
    visit(async ({ page }) => {
      await state(page, "open");
      assertEquals(await page.locator("#state").textContent(), "Connected");
      const messages = ["Hello", "Zażółć gęślą jaźń 🦊", "<b>not markup</b>"];
      for (const message of messages) {
        await page.getByLabel("Message", { exact: true }).fill(message);
        await page.keyboard.press("Enter");
      }
      await page.locator("#log .echo").nth(messages.length - 1).waitFor();
      const sent = await page.locator("#log .sent").allTextContents();
      const echoes = await page.locator("#log .echo").allTextContents();
      assertEquals(sent, messages);
      assertEquals(echoes.length, messages.length);
      for (const [i, echo] of echoes.entries()) {
        assertEquals(echo.slice(0, messages[i]!.length), messages[i]);
        assertMatch(echo.slice(messages[i]!.length), /^\d+(\.\d+)? ms$/);
      }
      assertEquals(await page.getByLabel("Message", { exact: true }).inputValue(), "");
    }),
);

test(
  "the page shows both heads, with an accept value that fits the key",
  { needs: "chromium" },
  () =>
    visit(async ({ page, server }) => {
      await page.locator("#response span").first().waitFor();
      const request = await page.locator("#request span").allTextContents();
      const response = await page.locator("#response span").allTextContents();
      assertEquals(request[0], "GET /echo HTTP/1.1");
      assertEquals(response[0], "HTTP/1.1 101 Switching Protocols");
      const value = (lines: string[], name: string) =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      assertEquals(value(request, "host"), `127.0.0.1:${portOf(server)}`);
      assertEquals(value(request, "origin"), `http://127.0.0.1:${portOf(server)}`);
      assertMatch(value(request, "user-agent") ?? "", /Chrome/);
      const key = value(request, "sec-websocket-key") ?? "";
      assertMatch(key, /^[A-Za-z0-9+/]{21}[AQgw]==$/);
      const hash = createHash("sha1").update(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
      assertEquals(value(response, "sec-websocket-accept"), hash);
      await page.getByText("sec-websocket-accept is what this page makes of the key").waitFor();
    }),
);

test("the plot gains points, and says in words what it shows", { needs: "chromium" }, () =>
  visit(async ({ page }) => {
    const points = () => inPage<number>(page, `return Number(document.querySelector("#plot").dataset.points)`);
    const atLeast = (count: number) =>
      page.waitForFunction(`Number(document.querySelector("#plot").dataset.points) >= ${count}`);
    await atLeast(3);
    const before = await points();
    await atLeast(before + 3);
    const drawn = await inPage<{ points: number; circles: number; label: string; median: string; texts: string[] }>(
      page,
      `const plot = document.querySelector("#plot");
      return {
        points: Number(plot.dataset.points),
        circles: plot.querySelectorAll("circle").length,
        label: plot.getAttribute("aria-label"),
        median: document.querySelector("#median").textContent,
        texts: [...plot.querySelectorAll("text")].map((text) => text.textContent),
      };`,
    );
    assertEquals(drawn.circles, drawn.points);
    assertMatch(drawn.median, /^\d+(\.\d+)? ms$/);
    assert(drawn.label.startsWith(`${drawn.points} round trips`), drawn.label);
    assert(drawn.label.includes(`median ${drawn.median}`), drawn.label);
    for (const text of ["Round trip, ms", "Seconds ago"]) assert(drawn.texts.includes(text), drawn.texts.join());
  }));

test(
  "the page says that it is closed and by whom, and connects again",
  { needs: "chromium" },
  () =>
    visit(async ({ page, server, stop }) => {
      const input = page.getByLabel("Message", { exact: true });
      await state(page, "open");
      const key = await page.locator("#request mark").textContent();
      await page.getByRole("button", { name: "Disconnect" }).click();
      await state(page, "closed");
      assertEquals(await page.locator("#state").textContent(), "Closed here: 1000");
      await page.getByRole("button", { name: "Reconnect" }).click();
      await state(page, "open");
      await page.waitForFunction(`document.querySelector("#request mark").textContent !== ${JSON.stringify(key)}`);
      await input.fill("again");
      await page.getByRole("button", { name: "Send" }).click();
      await page.locator("#log .echo", { hasText: "again" }).waitFor();

      stop();
      await state(page, "closed");
      assertEquals(await page.locator("#state").textContent(), "Closed by the server: 1001, The server stops");
      await server.finished;
    }),
);

test(
  "the page connects again by itself, and whoever types meanwhile keeps the focus and the words",
  { needs: "chromium" },
  () =>
    visit(async ({ page, server, stop }) => {
      const input = page.getByLabel("Message", { exact: true });
      await state(page, "open");
      await input.focus();
      await page.keyboard.type("before");
      stop();
      await server.finished;
      await state(page, "closed");
      await page.keyboard.type(" and after");
      assertEquals(await page.evaluate("document.activeElement.id"), "message");

      // Another server at the same port: nobody has pressed a button
      const again = new AbortController();
      const port = Number(new URL(server.url!).port);
      const next = await serveDemonstration({ port, signal: again.signal });
      try {
        await state(page, "open");
        assertEquals(await page.evaluate("document.activeElement.id"), "message");
        await page.keyboard.press("Enter");
        await page.locator("#log .echo", { hasText: "before and after" }).waitFor();
      } finally {
        again.abort();
        await next.finished;
      }
    }),
);

test(
  "what is sent while there is no connection is sent once there is one",
  { needs: "chromium" },
  () =>
    visit(async ({ page }) => {
      await state(page, "open");
      await page.getByRole("button", { name: "Disconnect" }).click();
      await state(page, "closed");
      await page.getByLabel("Message", { exact: true }).fill("late");
      await page.keyboard.press("Enter");
      await page.locator("#log .echo", { hasText: "late" }).waitFor();
    }),
);

test("the message box is in view on a desktop and on a phone", { needs: "chromium" }, () =>
  visit(async ({ page }) => {
    await state(page, "open");
    for (const [width, height] of [[1280, 800], [390, 844]] as const) {
      await page.setViewportSize({ width, height });
      const box = (await page.locator("#form").boundingBox())!;
      assert(box.y >= 0 && box.y + box.height <= height, `${width} × ${height}: ${JSON.stringify(box)}`);
    }
  }));

test("the page fits a phone, in light and in dark", { needs: "chromium" }, () =>
  visit(async ({ page }) => {
    await state(page, "open");
    const papers = new Set<string>();
    for (const width of [320, 390, 1280]) {
      for (const colorScheme of ["light", "dark"] as const) {
        await page.setViewportSize({ width, height: 800 });
        await page.emulateMedia({ colorScheme });
        const { needed, paper } = await inPage<{ needed: number; paper: string }>(
          page,
          `return {
            needed: document.documentElement.scrollWidth,
            paper: getComputedStyle(document.body).backgroundColor,
          };`,
        );
        assertEquals(needed, width);
        papers.add(paper);
      }
    }
    assertEquals(papers.size, 2);
  }));

/** A WebSocket in the page: `open()`, and `next()` gives what comes after the heads. */
const RAW = `
  const received = [], waiting = [];
  const next = () => received.length > 0
    ? Promise.resolve(received.shift())
    : new Promise((resolve) => waiting.push(resolve));
  const push = (value) => waiting.length > 0 ? waiting.shift()(value) : received.push(value);
  const open = async (protocols) => {
    const socket = new WebSocket(new URL("echo", location.href.replace("http", "ws")), protocols);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => push(data);
    socket.onclose = ({ code, reason, wasClean }) => push({ code, reason, wasClean });
    await next();
    return socket;
  };
`;

test(
  "Chromium's WebSocket gets back text, binary, empty messages and 1 MiB",
  { needs: "chromium" },
  () =>
    visit(async ({ page }) => {
      const result = await inPage<{ same: Record<string, boolean>; extensions: string }>(
        page,
        `${RAW}
      const socket = await open();
      const bytes = (length) => Uint8Array.from({ length }, (_, i) => i * 31 + (i >> 8));
      const messages = {
        text: "żółw 🐢\\u0000", emptyText: "", binary: bytes(300), emptyBinary: bytes(0), long: bytes(1 << 20),
        longText: "ą".repeat(1 << 19),
      };
      for (const message of Object.values(messages)) socket.send(message);
      const same = {};
      for (const [name, message] of Object.entries(messages)) {
        const echo = await next();
        same[name] = typeof message === "string"
          ? echo === message
          : echo instanceof ArrayBuffer && echo.byteLength === message.length &&
            new Uint8Array(echo).every((byte, i) => byte === message[i]);
      }
      socket.close();
      await next();
      return { same, extensions: socket.extensions };`,
      );
      const same = { text: true, emptyText: true, binary: true, emptyBinary: true, long: true, longText: true };
      assertEquals(result, { same, extensions: "" });
    }),
);

test(
  "Chromium's code and reason reach the server, and its code comes back",
  { needs: "chromium" },
  () =>
    visit(async ({ page }) => {
      using listener = await listen();
      const url = `ws://127.0.0.1:${listener.port}/`;
      for (
        const [args, closeCode, reason] of [["", 1005, ""], ["1000", 1000, ""], [`4321, "ża!"`, 4321, "ża!"]] as const
      ) {
        const accepted = (async () => {
          const socket = await accept(await listener.accept(), { origins: "any" });
          return await socket.receive(() => {});
        })();
        const closed = await inPage(
          page,
          `const socket = new WebSocket(${JSON.stringify(url)});
        socket.onopen = () => socket.close(${args});
        return await new Promise((resolve) => {
          socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean });
        });`,
        );
        assertEquals(closed, { code: closeCode, reason: "", wasClean: true });
        assertEquals(await accepted, { closeCode, reason });
      }
    }),
);

test(
  "Chromium's WebSocket sees the server's code and reason",
  { needs: "chromium" },
  () =>
    visit(async ({ page, stop }) => {
      const closed = inPage(
        page,
        `${RAW}
      const socket = await open();
      document.title = "listening";
      return await next();`,
      );
      await page.waitForFunction(`document.title === "listening"`);
      stop();
      assertEquals(await closed, { code: 1001, reason: "The server stops", wasClean: true });
    }),
);

test(
  "Chromium's WebSocket gets the subprotocol that both speak",
  { needs: "chromium" },
  () =>
    visit(async ({ page }) => {
      const protocol = await inPage(
        page,
        `${RAW}
      const socket = await open(["other", "echo"]);
      const { protocol } = socket;
      socket.close();
      await next();
      return protocol;`,
      );
      assertEquals(protocol, "echo");
    }),
);

test(
  "Chromium's WebSocket gets back a thousand messages with each window and parameter of permessage-deflate",
  { needs: "chromium" },
  () =>
    visit(async ({ page }) => {
      using listener = await listen();
      for (const row of ownRows) {
        const accepted = (async () => {
          const options = { origins: "any", compression: { ...row.ours, threshold: 0 } } as const;
          const socket = await accept(await listener.accept(), options);
          return await socket.receive((message) => socket.send(message));
        })();
        // Chromium offers the window of the client, and nothing else
        const { extensions, same } = await inPage<{ extensions: string; same: number }>(
          page,
          `const MANY = ${MANY}, messages = (${many})();
          const socket = new WebSocket("ws://127.0.0.1:${listener.port}/");
          socket.binaryType = "arraybuffer";
          socket.onopen = () => messages.forEach((message) => socket.send(message));
          let count = 0, same = 0;
          const isSame = (echo, message) => typeof message === "string"
            ? echo === message
            : echo instanceof ArrayBuffer && echo.byteLength === message.length &&
              new Uint8Array(echo).every((byte, i) => byte === message[i]);
          socket.onmessage = ({ data }) => {
            if (isSame(data, messages[count++])) same++;
            if (count === MANY) socket.close(1000);
          };
          await new Promise((resolve) => socket.onclose = resolve);
          return { extensions: socket.extensions, same };`,
        );
        assertEquals({ agreed: read(extensions), same }, { agreed: agreed(row), same: MANY });
        assertEquals(await accepted, { closeCode: 1000, reason: "" });
      }
    }),
);
