// What has ended servers, or kept what it should have let go, tried on serve() over sockets: it is one connection's end, and
// others are served.

import { assertEquals } from "@std/assert";
import type { ServeOptions, WebSocketError } from "../../mod.ts";
import { concat, handlingAll, hex, test } from "../kit/harness.ts";
import { standstill, turn } from "./sockets/common.ts";
import { echo, HandClient, request, serving, UPGRADE_FIELDS } from "../kit/serving.ts";

type Serving = Awaited<ReturnType<typeof serving>>;

/** That another client is served. */
async function assertServes({ port }: Serving): Promise<void> {
  using client = await HandClient.open(port);
  await client.write(
    concat(new TextEncoder().encode(request("/echo", UPGRADE_FIELDS)), hex("81 81 00000000 61 88 80 00000000")),
  );
  assertEquals((await client.reply()).status, 101);
  assertEquals(await client.rest(), "\x81\x01a\x88\x00");
}

test("a message that is declared longer than any memory is its own connection's end", () =>
  handlingAll(async () => {
    const server = await serving(echo, { maxMessageSize: Infinity });
    using client = await HandClient.open(server.port);
    await client.write(request("/", UPGRADE_FIELDS));
    assertEquals((await client.reply()).status, 101);
    await client.write(concat(hex("82 ff 00000100 00000000 00000000"), new Uint8Array(600_000)));
    await assertServes(server);
    await client.conn.closeWrite();
    await client.rest();
    await server.shutdown();
    assertEquals(server.told.map(({ error }) => (error as WebSocketError).failure), ["connection-lost"]);
  }));

/** A way of an application to answer with a body. */
interface Way {
  readonly options: (respond: () => Response) => ServeOptions;
  readonly http?: true;
  readonly head: string;
  /** What its failure is told as. */
  readonly kind: string;
}

const WAYS: Readonly<Record<string, Way>> = {
  "a handler http": { options: () => ({}), http: true, head: request("/"), kind: "http" },
  "authorize": {
    options: (respond) => ({ authorize: ({ url }) => url.endsWith("/echo") ? undefined : respond() }),
    head: request("/", UPGRADE_FIELDS),
    kind: "handshake",
  },
};

for (const [way, { options, http, head, kind }] of Object.entries(WAYS)) {
  const start = (body: UnderlyingDefaultSource) => {
    const respond = () => new Response(new ReadableStream(body));
    return serving({ socket: echo, ...http && { http: respond } }, options(respond));
  };

  test(`a body of ${way} that fails while its client does not read ends nothing else`, () =>
    handlingAll(async () => {
      let made = 0, fail = () => {};
      const server = await start({
        start: (body) => void (fail = () => body.error(new Error("the upstream was reset"))),
        pull(body) {
          made += 65536;
          body.enqueue(new Uint8Array(65536));
        },
      });
      using client = await HandClient.open(server.port);
      await client.write(head);
      while (made === 0) await turn();
      await standstill(() => made);
      fail();
      await assertServes(server);
      await client.rest().catch(() => {});
      await server.shutdown();
      const told = server.told.map(({ context, error }) => [context.kind, (error as Error).message]);
      assertEquals(told, [[kind, "the upstream was reset"]]);
    }));

  test(`the source of a body of ${way} is cancelled when its client leaves`, async () => {
    const cancelled = Promise.withResolvers<void>();
    const server = await start({
      pull: (body) => body.enqueue(new Uint8Array(65536)),
      cancel: () => cancelled.resolve(),
    });
    using client = await HandClient.open(server.port);
    await client.write(head);
    const chunk = new Uint8Array(65536);
    for (let read = 0; read < 2 ** 20;) read += (await client.conn.read(chunk))!;
    client.conn.reset();
    await cancelled.promise;
    await assertServes(server);
    await server.shutdown();
  });
}
