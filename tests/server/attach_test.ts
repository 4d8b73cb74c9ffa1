import { assertEquals, assertThrows } from "@std/assert";
import { type Agreement, answer, attach, type AttachOptions, confirm, offer } from "../../mod.ts";
import { connectionPair, fakeClock } from "../../src/testing.ts";
import { everySplit, hex, test } from "../kit/harness.ts";
import { attached, RawPeer, settled } from "../kit/raw_peer.ts";

const SERVER: Agreement = { role: "server", protocol: "", extensions: "" };

test("attach() has the subprotocol of the agreement", () => {
  const [conn] = connectionPair();
  const socket = attach(conn, { role: "client", protocol: "chat", extensions: "" });
  assertEquals([socket.protocol, socket.extensions], ["chat", ""]);
  socket.abort();
});

test("attach() refuses an agreement without a role, or with an extension that is not known", () => {
  const [conn] = connectionPair();
  for (const wrong of [{}, { role: "peer" }, { role: "server", extensions: "permessage-deflate" }]) {
    assertThrows(() => attach(conn, wrong as unknown as Agreement), TypeError, "Cannot attach");
  }
  attach(conn, SERVER).abort(); // untouched until now
});

test("attach() refuses an agreement about compression that is not whole, or not what its extensions say", () => {
  const [conn] = connectionPair();
  const deflate = { serverNoContextTakeover: false, clientNoContextTakeover: false, clientMaxWindowBits: 15 };
  const whole = { ...deflate, serverMaxWindowBits: 15 };
  for (const wrong of [{}, deflate, { ...whole, serverMaxWindowBits: 8 }, { ...whole, clientMaxWindowBits: 16 }]) {
    const agreement = { ...SERVER, extensions: "permessage-deflate", deflate: wrong } as Agreement;
    assertThrows(() => attach(conn, agreement), RangeError, "WindowBits");
  }
  for (const extensions of ["x-foo", "permessage-deflate, x-foo", "permessage-deflate; ="]) {
    assertThrows(() => attach(conn, { ...SERVER, extensions, deflate: whole }), TypeError, "Cannot attach");
  }
  attach(conn, { ...SERVER, extensions: "permessage-deflate; client_max_window_bits=15", deflate: whole }).abort();
});

test("attach() begins with the prefix, wherever it is cut", async () => {
  const frames = hex("81 85 37fa213d 7f9f4d5158  02 81 00000000 01  89 80 00000000  80 81 00000000 02");
  await everySplit(frames, async ([prefix, ...rest]) => {
    const [far, conn] = connectionPair(), peer = new RawPeer(far), got: unknown[] = [];
    for (const chunk of rest) peer.write(chunk);
    const before = prefix?.slice();
    const socket = attach(conn, SERVER, { clock: fakeClock(), prefix });
    socket.receive((message) => void got.push(message)).catch(() => {});
    await settled();
    assertEquals(got, ["Hello", Uint8Array.of(1, 2)]);
    assertEquals(peer.frames("server"), [{ pong: "" }]);
    assertEquals(prefix, before, "the prefix is the caller's");
    socket.abort();
  });
});

test("attach() refuses wrong options and leaves the connection untouched", () => {
  const [conn] = connectionPair();
  const wrong: AttachOptions[] = [
    { maxMessageSize: -1 },
    { highWaterMark: 0.5 },
    { closeTimeout: NaN },
    { idleTimeout: Infinity },
  ];
  for (const options of wrong) {
    assertThrows(() => attach(conn, SERVER, options), RangeError, Object.keys(options)[0]);
    assertEquals([conn.readable.locked, conn.writable.locked, conn.isClosed], [false, false, false]);
  }
  assertThrows(() => attach({} as typeof conn, SERVER), TypeError);
  conn.readable.getReader();
  assertThrows(() => attach(conn, SERVER), TypeError);
});

test("attach() after answer() and confirm(), on a server and a client of one's own", async () => {
  const made = offer("ws://localhost/", { protocols: ["chat"] });
  const { agreement, response } = await answer(made.request, { protocols: ["chat"] });
  const [here, there] = connectionPair(), clock = fakeClock();
  const server = attach(there, agreement!, { clock });
  const client = attach(here, await confirm(made, response), { clock });
  assertEquals([server.protocol, client.protocol], ["chat", "chat"]);
  const serving = server.readable.pipeTo(server.writable);
  client.send("Hello");
  for await (const message of client.readable) {
    assertEquals(message, "Hello");
    break;
  }
  assertEquals(await client.closed, { closeCode: 1005, reason: "" });
  await serving;
  assertEquals([here.isClosed, there.isClosed, clock.pending], [true, true, 0]);
});

test("maxMessageSize takes exactly the limit", async () => {
  const { peer, socket } = attached("server", { maxMessageSize: 5 });
  const got: unknown[] = [];
  socket.receive((message) => void got.push(message)).catch(() => {});
  peer.frame("server", "text", "Hello");
  peer.frame("server", "text", "Hello!");
  await settled();
  assertEquals(got, ["Hello"]);
  assertEquals(peer.frames("server")[0]?.close, 1009);
  socket.abort();
});
