// Cap'n Web: its session over our WebSocket, and another over a connection of ours; each end calls the other.

import { assertEquals, assertRejects } from "@std/assert";
import { newWebSocketRpcSession, RpcSession, RpcTarget, type RpcTransport } from "capnweb";
import { type Accepted, serve } from "../../mod.ts";
import { WebSocket } from "../../src/websocket.ts";
import { test } from "../kit/harness.ts";

/** A connection as its transport. */
function transportOf(socket: Accepted): RpcTransport {
  const reader = socket.readable.getReader();
  return {
    send: async (message) => void await socket.send(message as string),
    async receive() {
      const { value, done } = await reader.read();
      if (done) throw new Error("The WebSocket is closed");
      return value as string;
    },
    abort: (reason) => socket.abort(reason),
  };
}

class Server extends RpcTarget {
  readonly #greet: (name: string) => Promise<string>;
  constructor(greet: (name: string) => Promise<string>) {
    super();
    this.#greet = greet;
  }
  async greetTwice(name: string): Promise<string> {
    return `${await this.#greet(name)}, ${await this.#greet(name.toUpperCase())}`;
  }
  fail(): never {
    throw new RangeError("too far");
  }
}

class Client extends RpcTarget {
  greet(name: string): string {
    return `Hello ${name}`;
  }
}

test("Cap'n Web calls each way over our WebSocket, and tells what is thrown", async () => {
  await using server = await serve({ port: 0 }, async (socket) => {
    const main: RpcTarget = new Server((name) => session.getRemoteMain().greet(name));
    const session = new RpcSession<Client>(transportOf(socket), main);
    await socket.closed.catch(() => {});
  });
  const socket = new WebSocket(server.url!),
    closed = new Promise((resolve) => socket.addEventListener("close", resolve));
  const remote = newWebSocketRpcSession<Server>(socket as unknown as globalThis.WebSocket, new Client());
  assertEquals(await remote.greetTwice("Ada"), "Hello Ada, Hello ADA");
  await assertRejects(async () => await remote.fail(), RangeError, "too far");
  remote[Symbol.dispose]();
  socket.close();
  await closed;
});
