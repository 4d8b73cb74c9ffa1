// A subscription by graphql-ws: its client over our WebSocket, its server over a connection of ours.

import { assertEquals } from "@std/assert";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GraphQLObjectType, GraphQLSchema, GraphQLString } from "graphql";
import { createClient, GRAPHQL_TRANSPORT_WS_PROTOCOL, makeServer } from "graphql-ws";
import { accept, type Accepted, serve } from "../../mod.ts";
import { connectionPair } from "../../src/testing.ts";
import { type WebOptions, WebSocket } from "../../src/websocket.ts";
import { test } from "../kit/harness.ts";

const GREETINGS = ["Hello", "Grüezi", "こんにちは"];

const schema = new GraphQLSchema({
  query: new GraphQLObjectType({ name: "Query", fields: { hello: { type: GraphQLString, resolve: () => "world" } } }),
  subscription: new GraphQLObjectType({
    name: "Subscription",
    fields: {
      greetings: {
        type: GraphQLString,
        async *subscribe() {
          for (const greetings of GREETINGS) yield { greetings };
        },
      },
    },
  }),
});
const graphql = makeServer({ schema });

/** Runs the protocol on one connection. */
async function serveGraphql(socket: Accepted): Promise<void> {
  let receive: (message: string) => Promise<void> = () => Promise.resolve();
  const closed = graphql.opened({
    protocol: socket.protocol,
    send: (text) => Promise.resolve(socket.send(text)),
    close: (closeCode, reason) =>
      void socket.close({ closeCode: closeCode ?? 1000, reason: reason ?? "" }).catch(() => {}),
    onMessage: (callback) => void (receive = callback),
  }, {});
  const { closeCode, reason } = await socket.receive((message) => receive(`${message}`));
  await closed(closeCode, reason);
}

/** What is asked, and what comes. */
const ANSWERS = { "{ hello }": ["world"], "subscription { greetings }": GREETINGS };

/** Asks, and closes: the client opens anew for each question. */
async function converses(
  url: string,
  Class: new (url: string, protocols?: string) => WebSocket,
  questions = Object.keys(ANSWERS) as (keyof typeof ANSWERS)[],
): Promise<void> {
  const client = createClient({ url, webSocketImpl: Class, retryAttempts: 0 }),
    closed = Promise.withResolvers<unknown>();
  client.on("closed", closed.resolve);
  for (const query of questions) {
    const seen: unknown[] = [];
    for await (const { data } of client.iterate<Record<string, string>>({ query })) seen.push(...Object.values(data!));
    assertEquals(seen, ANSWERS[query]);
  }
  await client.dispose();
  const { code, wasClean } = await closed.promise as CloseEvent;
  assertEquals([code, wasClean], [1000, true]);
}

/** The class with options that graphql-ws knows nothing of. */
const withOptions = (options: WebOptions) =>
  class extends WebSocket {
    constructor(url: string, protocols?: string) {
      super(url, protocols, options);
    }
  };

const PROTOCOLS = [GRAPHQL_TRANSPORT_WS_PROTOCOL];

test("graphql-ws has a query and a subscription over our WebSocket, and closes", async () => {
  await using server = await serve({ port: 0, protocols: PROTOCOLS }, serveGraphql);
  await converses(server.url!, WebSocket);
});

test("graphql-ws runs over TLS with an authority of its own", async () => {
  const pem = (name: string) => readFileSync(join(import.meta.dirname!, `../kit/tls/${name}.pem`), "utf8");
  const tls = { cert: pem("localhost"), key: pem("localhost.key") };
  await using server = await serve({ port: 0, ...tls, protocols: PROTOCOLS }, serveGraphql);
  await converses(server.url!, withOptions({ caCerts: [pem("ca")] }));
});

test("graphql-ws runs over a unix socket", async () => {
  const folder = mkdtempSync(join(tmpdir(), "w-")), unix = join(folder, "s");
  try {
    await using _server = await serve({ unix, protocols: PROTOCOLS }, serveGraphql);
    await converses("ws://localhost/", withOptions({ unix }));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("graphql-ws runs over a connection that is given", async () => {
  const [conn, far] = connectionPair(), serving = accept(far, { protocols: PROTOCOLS }).then(serveGraphql);
  await converses("ws://localhost/", withOptions({ conn }), ["subscription { greetings }"]);
  await serving;
});
