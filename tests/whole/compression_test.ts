// Compression through every door: options, agreements, and messages that cross (RFC 7692).

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  accept,
  type Agreement,
  answer,
  attach,
  type CompressionOptions,
  connect,
  offer,
  type WebSocketConnection,
} from "../../mod.ts";
import { connectionPair, fakeClock } from "../../src/testing.ts";
import { agreed } from "../cases/deflate.ts";
import { concat, hex, test } from "../kit/harness.ts";
import { settled } from "../kit/raw_peer.ts";

const ROLES = ["client", "server"] as const;

const LONG = "Handfast ".repeat(100);

test("offer(), answer(), connect() and attach() check the option compression, and touch no connection", async () => {
  const [conn] = connectionPair(), { request } = offer("ws://h/");
  const server: Agreement = { role: "server", protocol: "", extensions: "" };
  for (const [wrong, Kind] of [[{ level: 10 }, RangeError], ["yes", TypeError]] as const) {
    const options = { compression: wrong as CompressionOptions };
    assertThrows(() => offer("ws://h/", options), Kind, "compression");
    await assertRejects(() => answer(request, options), Kind, "compression");
    await assertRejects(() => connect("ws://h/", { conn, ...options }), Kind, "compression");
    assertThrows(() => attach(conn, server, options), Kind, "compression");
  }
  assertThrows(() => offer("ws://h/", { compression: { clientMaxWindowBits: 8 } }), RangeError);
  await assertRejects(() => answer(request, { compression: { serverMaxWindowBits: 8 } }), RangeError);
  assertEquals([conn.readable.locked, conn.writable.locked, conn.isClosed], [false, false, false]);
});

test("attach() refuses an agreement with a window that is none, or that we can't keep to (RFC 7692 §7.1.2)", () => {
  const [conn] = connectionPair();
  const made = (role: "client" | "server", deflate: Agreement["deflate"]): Agreement => ({
    role,
    protocol: "",
    extensions: "permessage-deflate",
    ...(deflate && { deflate }),
  });
  for (const bits of [7, 16, 9.5, NaN, "10" as unknown as number, null as unknown as number]) {
    for (const role of ROLES) {
      for (const name of ["serverMaxWindowBits", "clientMaxWindowBits"]) {
        assertThrows(() => attach(conn, made(role, agreed({ [name]: bits }))), RangeError, `agreement.deflate.${name}`);
      }
    }
  }
  assertThrows(() => attach(conn, made("server", agreed({ serverMaxWindowBits: 8 }))), RangeError);
  assertThrows(() => attach(conn, made("client", agreed({ clientMaxWindowBits: 8 }))), RangeError);
  assertThrows(() => attach(conn, made("client", undefined)), TypeError, "is not supported");
  for (const [role, name] of [["server", "clientMaxWindowBits"], ["client", "serverMaxWindowBits"]] as const) {
    const [ours] = connectionPair();
    const socket = attach(ours, made(role, agreed({ [name]: 8 })));
    assertEquals(socket.deflate, agreed({ [name]: 8 }));
    socket.abort();
  }
});

test("connect() and accept() compress, with the same agreement on both, by either face (RFC 7692 §5)", async () => {
  const [conn, server] = connectionPair(), clock = fakeClock();
  const compression = { serverMaxWindowBits: 10, clientNoContextTakeover: true };
  const [client, accepted] = await Promise.all([
    connect("ws://localhost/", { conn, clock, compression: true }),
    accept(server, { clock, compression }),
  ]);
  const deflate = agreed(compression),
    extensions = "permessage-deflate; client_no_context_takeover; server_max_window_bits=10";
  for (const socket of [client, accepted]) assertEquals([socket.deflate, socket.extensions], [deflate, extensions]);
  const echoing = accepted.receive((message) => accepted.send(message));
  const reader = client.readable.getReader(), writer = client.writable.getWriter();
  for (let i = 0; i < 3; i++) {
    writer.write(LONG + i);
    assertEquals((await reader.read()).value, LONG + i);
  }
  client.close();
  await echoing;
  await client.closed;
});

test("a connection without compression has no agreement about it (RFC 7692 §5)", async () => {
  for (const [ours, theirs] of [[true, false], [false, true], [false, false]]) {
    const [conn, server] = connectionPair(), clock = fakeClock();
    const sockets = await Promise.all([
      connect("ws://localhost/", { conn, clock, compression: ours! }),
      accept(server, { clock, compression: theirs! }),
    ]);
    for (const socket of sockets) {
      assertEquals([socket.deflate, socket.extensions], [undefined, ""]);
      socket.abort();
    }
  }
});

test("attach() compresses by the agreement, with its own settings, and per message (RFC 7692 §5)", async () => {
  const agreement = (role: Agreement["role"]): Agreement => ({
    role,
    protocol: "",
    extensions: "permessage-deflate",
    deflate: agreed({ serverNoContextTakeover: true }),
  });
  const [here, far] = connectionPair(), clock = fakeClock();
  const server = attach(here, agreement("server"), { clock, compression: { threshold: 0 } });
  assertEquals(server.deflate, agreed({ serverNoContextTakeover: true }));
  for (let i = 0; i < 2; i++) server.send("Hello".repeat(3));
  server.send("Hello", { compress: false });
  await settled();
  const reader = far.readable.getReader();
  let wire = new Uint8Array();
  while (wire.length < 27) wire = concat(wire, (await reader.read()).value!);
  const payload = "f2 48 cd c9 c9 f7 40 a3 00 00";
  const once = wire.slice(0, 2 + wire[1]!), again = wire.slice(once.length, 2 * once.length);
  assertEquals([once[0], again], [0xc1, once], `like ${payload}: nothing is kept`);
  assertEquals(wire.slice(2 * once.length), hex("81 05 48 65 6c 6c 6f"));
  server.abort();

  const [conn, peer] = connectionPair(), got: unknown[] = [];
  const client: WebSocketConnection = attach(conn, agreement("client"), { clock, prefix: once });
  client.receive((message) => void got.push(message)).catch(() => {});
  const writer = peer.writable.getWriter();
  await writer.write(again);
  await settled();
  assertEquals(got, ["Hello".repeat(3), "Hello".repeat(3)]);
  await writer.write(hex("c1 01 06"));
  await settled();
  const failed = client.closed.catch((error) => error);
  await writer.close();
  const error = await failed;
  assertEquals([error.failure, error.closeCode], ["deflate-invalid", 1007]);
});
