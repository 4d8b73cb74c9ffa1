// A subscription by graphql-ws: its client over our WebSocket, its server over a connection of ours.

import { assertEquals } from "@std/assert";
import { GraphQLObjectType, GraphQLSchema, GraphQLString } from "graphql";
import { createClient, GRAPHQL_TRANSPORT_WS_PROTOCOL, makeServer } from "graphql-ws";
import { type Accepted, serve } from "../../mod.ts";
import { WebSocket } from "../../src/websocket.ts";
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

test("graphql-ws has a query and a subscription over our WebSocket, and closes", async () => {
  await using server = await serve({ port: 0, protocols: [GRAPHQL_TRANSPORT_WS_PROTOCOL] }, serveGraphql);
  const client = createClient({ url: server.url!, webSocketImpl: WebSocket, retryAttempts: 0 }),
    closed = Promise.withResolvers<unknown>();
  client.on("closed", closed.resolve);
  const seen: unknown[] = [];
  for (const query of ["{ hello }", "subscription { greetings }"]) {
    for await (const { data } of client.iterate<Record<string, string>>({ query })) seen.push(...Object.values(data!));
  }
  assertEquals(seen, ["world", ...GREETINGS]);
  await client.dispose();
  const { code, wasClean } = await closed.promise as CloseEvent;
  assertEquals([code, wasClean], [1000, true]);
});
