// What every recipe for another HTTP server has to do.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { connect, type ConnectOptions, HandshakeError } from "../../mod.ts";
import { upgrade } from "../cases/requests_base.ts";
import { latin1, test, text } from "./harness.ts";
import { dialRaw } from "./tcp.ts";

/** A recipe that runs. */
export interface Running {
  readonly port: number;
  stop(): Promise<unknown>;
}

/** What is different from recipe to recipe. */
export interface Recipe {
  readonly name: string;
  start(): Promise<Running>;
  /** Beginning of its page. */
  readonly page: string;
  readonly path: string;
  /** What it takes to get in. */
  readonly options?: ConnectOptions;
  /** Requests that are refused: what is changed in an upgrade, and the status. */
  readonly refused: readonly (readonly [name: string, changes: Parameters<typeof upgrade>[0], status: number])[];
}

/** What answer() refuses. */
export const REFUSED: Recipe["refused"] = [
  ["another version", { "Sec-WebSocket-Version": "8" }, 426],
  ["a key that is not 16 bytes", { "Sec-WebSocket-Key": "AAAA" }, 400],
  ["a foreign origin", { Origin: "http://elsewhere.example" }, 403],
];

/** Registers the tests of a recipe. */
export function testRecipe({ name, start, page, path, options = {}, refused }: Recipe): void {
  const run = (title: string, fn: (port: number) => Promise<void>) =>
    test(`${name} ${title}`, async () => {
      const { port, stop } = await start();
      try {
        await fn(port);
      } finally {
        await stop();
      }
    });

  run("serves its page", async (port) => {
    const body = await (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: "close" } })).text();
    assert(body.startsWith(page), body);
  });

  run("echoes, and closes", async (port) => {
    const socket = await connect(`ws://127.0.0.1:${port}${path}`, options);
    const reader = socket.readable.getReader();
    for (const message of ["Hello", Uint8Array.of(1, 2, 3)]) {
      socket.send(message);
      assertEquals((await reader.read()).value, message);
    }
    assertEquals((await socket.close({ closeCode: 1000 })).closeCode, 1000);
  });

  for (const [what, changes, status] of refused) {
    run(`refuses ${what} with ${status}`, async (port) => {
      using raw = await dialRaw(port);
      const host = `127.0.0.1:${port}`;
      await raw.write(latin1(upgrade({ Host: host, ...changes }, `GET ${path} HTTP/1.1`)));
      const buffer = new Uint8Array(4096), count = await raw.read(buffer);
      assert(text(buffer.subarray(0, count ?? 0)).startsWith(`HTTP/1.1 ${status} `), text(buffer));
    });
  }
}

/** That a client without what it takes is refused. */
export function testStranger(name: string, start: Recipe["start"], path: string, status: number): void {
  test(`${name} refuses a stranger with ${status}`, async () => {
    const { port, stop } = await start();
    const error = await assertRejects(() => connect(`ws://127.0.0.1:${port}${path}`), HandshakeError);
    assertEquals(error.response?.status, status);
    await stop();
  });
}
