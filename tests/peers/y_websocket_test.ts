// y-websocket over our WebSocket: two documents in step, by a server of ours that hands each message on.

import { assertEquals } from "@std/assert";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import { Connections, serve } from "../../mod.ts";
import { WebSocket } from "../../src/websocket.ts";
import { test } from "../kit/harness.ts";

/** A document that is kept in step, once its provider is connected. */
async function shared(url: string): Promise<{ doc: Y.Doc; provider: WebsocketProvider }> {
  const doc = new Y.Doc();
  const provider = new WebsocketProvider(url, "room", doc, {
    WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
    maxBackoffTime: 0, // of the timer that it sets behind a close, whether or not it is to come back
    disableBc: true, // or documents of one process would be in step without a network
  });
  await new Promise<void>((resolve) => {
    provider.on("status", ({ status }: { status: string }) => status === "connected" && resolve());
  });
  return { doc, provider };
}

/** Waits until the text of a document is this. */
async function until(text: Y.Text, wanted: string): Promise<void> {
  while (text.toString() !== wanted) await new Promise<void>((resolve) => text.observe(() => resolve()));
}

test("y-websocket keeps two documents in step over our WebSocket", async () => {
  const members = new Connections();
  await using server = await serve({ port: 0 }, async (socket) => {
    members.add(socket);
    await socket.receive((message) => void members.broadcast(message, { except: socket }));
  });
  const url = server.url!.replace(/\/$/, ""), one = await shared(url);
  one.doc.getText("t").insert(0, "Hello");
  const other = await shared(url);
  const [mine, theirs] = [one.doc.getText("t"), other.doc.getText("t")];
  await until(theirs, "Hello");
  theirs.insert(5, " world");
  await until(mine, "Hello world");
  assertEquals([mine.toString(), theirs.toString()], ["Hello world", "Hello world"]);
  for (const { provider, doc } of [one, other]) {
    const closed = new Promise((resolve) => provider.ws!.addEventListener("close", resolve));
    provider.destroy();
    doc.destroy();
    await closed;
    await new Promise((resolve) => setTimeout(resolve, 0)); // behind its timer
  }
});
