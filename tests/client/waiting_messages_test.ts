import { assertEquals, assertThrows } from "@std/assert";
import { attach } from "../../mod.ts";
import { WaitingMessages } from "../../src/client/waiting_messages.ts";
import { connectionPair } from "../../src/testing.ts";
import { test } from "../kit/harness.ts";

/** A connection, and the other end of it. */
function sockets() {
  const [near, far] = connectionPair(), agreement = { protocol: "", extensions: "" } as const;
  return [attach(near, { role: "client", ...agreement }), attach(far, { role: "server", ...agreement })] as const;
}

test("WaitingMessages keeps copies, in order, and sends them once", async () => {
  const waiting = new WaitingMessages(1000), bytes = Uint8Array.of(1, 2);
  for (const message of ["é", bytes, bytes.buffer]) waiting.push(message);
  bytes.fill(9);
  assertEquals(waiting.size, 3 * 66);
  const [socket, server] = sockets(), received: unknown[] = [];
  waiting.sendBy(socket);
  waiting.sendBy(socket);
  assertEquals(waiting.size, 0);
  const ended = server.receive((message) =>
    void received.push(typeof message === "string" ? message : message.slice())
  );
  await socket.close();
  await ended;
  assertEquals(received, ["é", Uint8Array.of(1, 2), Uint8Array.of(1, 2)]);
});

test("WaitingMessages keeps what a connection that is closed does not take", () => {
  const waiting = new WaitingMessages(1000), [socket] = sockets();
  waiting.push("a");
  socket.abort();
  waiting.sendBy(socket);
  assertEquals(waiting.size, 65);
});

test("WaitingMessages keeps up to its limit, and not a byte more", () => {
  const waiting = new WaitingMessages(138);
  waiting.push("12345");
  const error = assertThrows(() => waiting.push("123456"), DOMException);
  assertEquals(error.name, "InvalidStateError");
  assertEquals(
    error.message,
    "Cannot send: there is no connection, and with this message 139 bytes would wait for the next one (maxWaiting is 138)",
  );
  waiting.push(new Uint8Array(5));
  assertEquals(waiting.size, 138);
  waiting.clear();
  waiting.push("x".repeat(74));
});

test("WaitingMessages refuses what can't be sent at all", () => {
  const waiting = new WaitingMessages(1000);
  for (const wrong of [1, null, {}, new SharedArrayBuffer(1)]) {
    assertThrows(() => waiting.push(wrong as unknown as string), TypeError);
  }
  assertEquals(waiting.size, 0);
});
