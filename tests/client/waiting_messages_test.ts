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
  waiting.sendBy(socket, Infinity);
  waiting.sendBy(socket, Infinity);
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
  waiting.sendBy(socket, Infinity);
  assertEquals(waiting.size, 65);
});

test("WaitingMessages keeps up to its limit, and not a byte more", () => {
  const waiting = new WaitingMessages(138);
  waiting.push("12345");
  const error = assertThrows(() => waiting.push("123456"), DOMException);
  assertEquals(error.name, "InvalidStateError");
  assertEquals(
    error.message,
    "Cannot send: with this message 139 bytes would wait for a connection (maxWaiting is 138)",
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

/** A connection that buffers everything, until it is told to write. */
function buffering() {
  const sent: unknown[] = [];
  return {
    sent,
    state: "open" as const,
    bufferedAmount: 0,
    send(message: string | BufferSource | object) {
      sent.push(message);
      this.bufferedAmount += String(message).length;
    },
  };
}

test("WaitingMessages sends no more at a time than the limit, and what is larger alone", () => {
  const waiting = new WaitingMessages(10_000), socket = buffering();
  const [a, b, large, c] = ["a".repeat(10), "b".repeat(10), "l".repeat(200), "c"];
  for (const message of [a, b, large, c]) waiting.push(message!);
  for (const expected of [[a, b], [large], [c]]) {
    socket.sent.length = 0;
    waiting.sendBy(socket, 84);
    assertEquals([socket.sent, waiting.isEmpty], [expected, expected.includes(c)]);
    waiting.sendBy(socket, 84);
    assertEquals(socket.sent, expected);
    socket.bufferedAmount = 0;
  }
  assertEquals(waiting.size, 0);
});

test("WaitingMessages keeps a message that could not be sent", () => {
  const waiting = new WaitingMessages(10_000), socket = buffering(), mine = new Error("mine");
  for (const message of ["a", "b"]) waiting.push(message);
  const failing = {
    ...socket,
    send() {
      throw mine;
    },
  };
  assertThrows(() => waiting.sendBy(failing, Infinity), Error, "mine");
  waiting.sendBy(socket, Infinity);
  assertEquals([socket.sent, waiting.size], [["a", "b"], 0]);
});
