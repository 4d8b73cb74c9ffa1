// The Workers of docs/workers.md as they stand there: bundled by the page's command, run with the page's configuration, and
// talked to.

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { blocksOf } from "../../docs/make/pages.ts";
import { type Accepted, connect, HandshakeError } from "../../mod.ts";
import { test } from "../kit/harness.ts";
import { pem, serving } from "../kit/serving.ts";
import { emptyFolder, packageFolder, run } from "../whole/npm/pack.ts";
import { LACKS_WORKERD, Workerd } from "./workerd.ts";

const NEEDS = { lacks: LACKS_WORKERD }, root = join(import.meta.dirname!, "../..");
const page = readFileSync(join(root, "docs/workers.md"), "utf8"), blocks = blocksOf(page);

/** The code of a block, by its language or by the name of its file. */
const block = (name: string) => blocks.find(({ language, words }) => (words[1] ?? language) === name)!.code;

const config = block("capnp"), [command, serve] = block("sh").trimEnd().split("\n");

/** Bundles a Worker of the page by the page's command, where npm has installed the package. */
function bundled(name: "worker.ts" | "gatekeeper.ts"): string {
  const folder = emptyFolder(), [npx, esbuild, ...args] = command!.split(" ");
  assertEquals([npx, esbuild], ["npx", "esbuild"]);
  assertMatch(serve!, /^SERVER=ws:\S+ npx workerd serve config\.capnp$/); // as Workerd starts it
  mkdirSync(join(folder, "node_modules/@handfast"), { recursive: true });
  symlinkSync(packageFolder(), join(folder, "node_modules/@handfast/websocket"));
  writeFileSync(join(folder, "worker.ts"), block(name));
  run([join(root, "node_modules/.bin/esbuild")], [...args, "--log-level=warning", "--metafile=meta.json"], folder);
  return folder;
}

test("the bundle of the page imports nothing of Node's, and is as large as the page says", NEEDS, () => {
  const folder = bundled("worker.ts"), code = readFileSync(join(folder, "worker.js"));
  const sizes = [code, gzipSync(code, { level: 9 })].map(({ length }) => length);
  console.log(`The Worker of docs/workers.md: ${sizes[0]} bytes, ${sizes[1]} with gzip`);
  const { outputs } = JSON.parse(readFileSync(join(folder, "meta.json"), "utf8"));
  const imports = outputs["worker.js"].imports.map(({ path }: { path: string }) => path);
  assertEquals(imports, ["cloudflare:sockets"]);
  const said = /is (\d+) kB, and (\d+) kB with gzip/.exec(page)!.slice(1).map((kilobytes) => 1000 * Number(kilobytes));
  for (const [i, size] of sizes.entries()) {
    assert(size <= said[i]! && size > 0.95 * said[i]!, `${size} bytes, of which the page says ${said[i]}`);
  }
});

/** The page's configuration, with what is replaced in it. */
const configs: Readonly<Record<string, () => string | Promise<string>>> = {
  "over ws:": () => config,
  "since the day that the page names": () => {
    return replaced(/(?<=compatibilityDate = ")[^"]+/, /date` before (\S+) is too early/i.exec(page)![1]!);
  },
  // The authority of these tests is nobody else's
  "over wss:": async () =>
    replaced(/(?<=trustBrowserCas = true)/, `, trustedCertificates = [${JSON.stringify(await pem("ca"))}]`),
};

/** The configuration with a part replaced that is there. */
function replaced(part: RegExp, by: string): string {
  assertMatch(config, part);
  return config.replace(part, () => by);
}

for (const [name, configuring] of Object.entries(configs)) {
  test(`the Worker of the page accepts and connects, ${name}`, NEEDS, async () => {
    const folder = bundled("worker.ts"), isSecure = name === "over wss:";
    const options = isSecure ? { cert: await pem("localhost"), key: await pem("localhost.key") } : {};
    const answerer = (socket: Accepted) => socket.receive((word) => socket.send(`You said ${word}`));
    await using server = await serving(answerer, options);
    const env = { SERVER: `${isSecure ? "wss" : "ws"}://localhost:${server.port}/` };
    await using worker = await Workerd.start({ folder }, { config: await configuring(), env });
    const socket = await connect(`ws://127.0.0.1:${worker.ports.tcp}/`, { compression: true });
    socket.send("Hello");
    assertEquals((await socket.readable.getReader().read()).value, "Hello");
    assertEquals((await socket.close({ closeCode: 1000 })).closeCode, 1000);
    assertEquals(await (await worker.fetch("/word")).text(), "You said /word");
    assertEquals(server.told, []);
  });
}

test("answer() in the fetch() handler of the page guards the Worker's own WebSocket", NEEDS, async () => {
  const folder = bundled("gatekeeper.ts");
  await using worker = await Workerd.start({ folder }, { config });
  const url = `ws://127.0.0.1:${worker.ports.http}/`;
  assertEquals(await (await worker.fetch("/")).text(), "A page\n");
  const socket = await connect(url, { protocols: ["chat"] });
  assertEquals(socket.protocol, "chat");
  socket.send("Hello");
  assertEquals((await socket.readable.getReader().read()).value, "Hello");
  await socket.close({ closeCode: 1000 });
  const opening = () => connect(url, { headers: { origin: "https://elsewhere.example" } });
  assertEquals((await assertRejects(opening, HandshakeError)).response?.status, 403);
});
