// listen(), on Bun.

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { attach } from "../../mod.ts";
import { type BunConnection, dial, listen } from "../../src/bun.ts";
import { test } from "../kit/harness.ts";

const pem = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../kit/tls/${name}.pem`, import.meta.url).href), "utf8");
const HOST = { hostname: "127.0.0.1" };
const CLIENT = { role: "client", protocol: "", extensions: "" } as const;

test("listen() with TLS but without a certificate is a TypeError, where Bun would do without TLS", () => {
  for (const tls of [{}, { ca: pem("ca") }, { cert: pem("localhost") }]) {
    assertThrows(() => listen({ ...HOST, tls }), TypeError, "needs a certificate and its key");
  }
});

test("a listener queues what nobody waits for, and ends its iteration when it is closed", async () => {
  const listener = listen(HOST), { port } = listener.addr as { port: number };
  const clients = await Promise.all([1, 2, 3].map(() => dial({ ...HOST, port })));
  const taken: BunConnection[] = [];
  for await (const conn of listener) {
    if (taken.push(conn) === 2) listener.close();
  }
  assertEquals(taken.length, 2);
  await assertRejects(() => listener.accept(), Error, "the listener is closed");
  // The third was not asked for
  const lost = clients.map((conn) => attach(conn, CLIENT).receive(() => {}).catch((error) => error));
  for (const conn of taken) conn.close();
  for (const error of await Promise.all(lost)) assertEquals(error.closeCode, 1006);
});

test("a loop over a listener that is left closes it", async () => {
  const listener = listen(HOST), { port } = listener.addr as { port: number };
  const client = await dial({ ...HOST, port });
  for await (const conn of listener) {
    conn.close();
    break;
  }
  await assertRejects(() => dial({ ...HOST, port }), Error);
  client.close();
});

test("accept() of a listener that is closed meanwhile rejects", async () => {
  const listener = listen(HOST);
  const accepting = assertRejects(() => listener.accept(), Error, "the listener is closed");
  listener.close();
  await accepting;
});
