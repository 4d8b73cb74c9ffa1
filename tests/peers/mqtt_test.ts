// MQTT.js over our WebSocket, and the broker aedes over a connection of ours.

import { assertEquals } from "@std/assert";
import { Aedes } from "aedes";
import mqtt, { type MqttClient } from "mqtt";
import { Duplex } from "node:stream";
import { type Accepted, serve } from "../../mod.ts";
import { WebSocket } from "../../src/websocket.ts";
import { test } from "../kit/harness.ts";

/** A connection as the stream that a broker takes. */
function streamOf(socket: Accepted): Duplex {
  const stream = new Duplex({
    read() {},
    write(chunk: Uint8Array<ArrayBuffer>, _encoding, done) {
      Promise.resolve(socket.send(chunk)).then(() => done(), done);
    },
    final: (done) => void socket.close().then(() => done(), () => done()),
    destroy(error, done) {
      socket.abort(error ?? undefined);
      done(error);
    },
  });
  socket.receive((message) => void stream.push(message)).then(() => stream.push(null), () => stream.destroy());
  return stream;
}

/** Connects a client of theirs over our class. */
async function connected(url: string): Promise<MqttClient> {
  const client = mqtt.connect(url, {
    forceNativeWebSocket: true, // for on Node it would take ws, or what looks like it
    createWebsocket: (url, protocols) => new WebSocket(url, protocols),
    reconnectPeriod: 0,
  });
  await new Promise((resolve) => client.once("connect", resolve));
  return client;
}

test("MQTT.js publishes and subscribes over our WebSocket, by a broker behind our server", async () => {
  const broker = await Aedes.createBroker();
  const options = { port: 0, protocols: ["mqtt"] };
  await using server = await serve(options, async (socket) => {
    broker.handle(streamOf(socket));
    await socket.closed.catch(() => {});
  });
  const [one, other] = await Promise.all([connected(server.url!), connected(server.url!)]);
  await other.subscribeAsync("greetings/#", { qos: 1 });
  const message = new Promise<[string, Uint8Array]>((resolve) =>
    other.once("message", (...args) => resolve([args[0], args[1]]))
  );
  await one.publishAsync("greetings/ada", "Grüezi", { qos: 1 });
  const [topic, payload] = await message;
  assertEquals([topic, new TextDecoder().decode(payload)], ["greetings/ada", "Grüezi"]);
  await Promise.all([one.endAsync(), other.endAsync()]);
  await new Promise<void>((resolve) => broker.close(resolve));
});
