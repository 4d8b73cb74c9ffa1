// Engines start, keep what they were given whatever ends them, and leave nothing behind.

import { assertEquals, assertRejects } from "@std/assert";
import { Engine, lacksEngine } from "./engines.ts";
import { test, text } from "./harness.ts";
import { readAll } from "./node_server.ts";
import { dialRaw } from "./tcp.ts";

const ENDINGS = ["SIGKILL", "SIGTERM"] as const;

test("redis keeps what it has acknowledged over a restart", { lacks: lacksEngine("redis") }, async () => {
  await using engine = await Engine.start("redis");
  for (const ending of ENDINGS) {
    assertEquals(await say(engine, `SET key ${ending}\r\nQUIT\r\n`), "+OK\r\n+OK\r\n");
    await engine.restart(ending);
    assertEquals(await say(engine, "GET key\r\nQUIT\r\n"), `$7\r\n${ending}\r\n+OK\r\n`);
  }
});

for (const name of ["redis", "nats"] as const) {
  test(`${name} is gone when it was disposed of`, { lacks: lacksEngine(name) }, async () => {
    const engine = await Engine.start(name);
    const { port, url } = engine;
    await engine.restart();
    assertEquals([engine.port, engine.url], [port, url]);
    await engine[Symbol.asyncDispose]();
    await assertRejects(() => dialRaw(port));
  });
}

async function say({ port }: Engine, command: string): Promise<string> {
  using conn = await dialRaw(port);
  await conn.write(new TextEncoder().encode(command));
  return text(await readAll(conn));
}
