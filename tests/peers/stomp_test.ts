// stompjs over our WebSocket, and a broker of a few lines over connections of ours (STOMP 1.2).

import { assertEquals } from "@std/assert";
import { Client } from "@stomp/stompjs";
import { type Accepted, serve } from "../../mod.ts";
import { WebSocket } from "../../src/websocket.ts";
import { test } from "../kit/harness.ts";

type Headers = Record<string, string>;

function frame(command: string, headers: Headers, body = ""): string {
  return [command, ...Object.entries(headers).map(([name, value]) => `${name}:${value}`), "", `${body}\0`].join("\n");
}

/** Sends what is sent to a destination to those who have subscribed to it. */
function broker(): (socket: Accepted) => Promise<unknown> {
  const subscribers = new Map<string, { socket: Accepted; subscription: string }[]>();
  let count = 0;
  return (socket) =>
    socket.receive((message) => {
      const [head, body] = `${message}`.replace(/^\n+/, "").split(/\n\n([^]*)\0/);
      const [command, ...lines] = head!.split("\n");
      const headers: Headers = Object.fromEntries(lines.map((line) => line.split(/:(.*)/)));
      const { destination = "", id = "", receipt } = headers;
      if (command === "CONNECT") socket.send(frame("CONNECTED", { version: "1.2" }));
      if (command === "SUBSCRIBE") {
        subscribers.set(destination, [...subscribers.get(destination) ?? [], { socket, subscription: id }]);
      }
      if (command === "SEND") {
        for (const { socket, subscription } of subscribers.get(destination) ?? []) {
          socket.send(frame("MESSAGE", { destination, subscription, "message-id": `${count++}` }, body));
        }
      }
      if (receipt) socket.send(frame("RECEIPT", { "receipt-id": receipt }));
    });
}

test("stompjs sends and subscribes over our WebSocket, and disconnects", async () => {
  await using server = await serve({ port: 0, protocols: ["v12.stomp"] }, broker());
  const received = Promise.withResolvers<string>(), disconnected = Promise.withResolvers<void>();
  const client = new Client({
    webSocketFactory: () => new WebSocket(server.url!, ["v12.stomp", "v11.stomp"]),
    reconnectDelay: 0,
    onConnect() {
      client.subscribe("/queue/a", ({ body }) => received.resolve(body));
      client.publish({ destination: "/queue/a", body: "Grüezi" });
    },
    onWebSocketClose: () => disconnected.resolve(),
  });
  client.activate();
  assertEquals(await received.promise, "Grüezi");
  await client.deactivate();
  await disconnected.promise;
});
