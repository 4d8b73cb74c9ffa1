// The recipes for node:http and for a Hono app, which run on all three runtimes.

import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve as serveHono } from "../../docs/examples/hono_node.ts";
import { serve as serveNodeHttp } from "../../docs/examples/node_http.ts";
import { REFUSED, type Running, testRecipe, testStranger } from "../kit/recipes.ts";

async function running(starting: Promise<Server>): Promise<Running> {
  const server = await starting;
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

testRecipe({
  name: "docs/examples/node_http.ts",
  start: () => running(serveNodeHttp(0)),
  page: "The echo is at /echo",
  path: "/echo",
  refused: REFUSED,
});
testStranger("docs/examples/node_http.ts", () => running(serveNodeHttp(0)), "/elsewhere", 404);

const authorization = "Basic " + btoa("demo:handfast");
testRecipe({
  name: "docs/examples/hono_node.ts",
  start: () => running(serveHono(0)),
  page: "The echo is at /echo",
  path: "/echo",
  options: { headers: { authorization } },
  refused: REFUSED.map(([name, changes, status]) => [name, { ...changes, Authorization: authorization }, status]),
});
testStranger("docs/examples/hono_node.ts", () => running(serveHono(0)), "/echo", 401);
