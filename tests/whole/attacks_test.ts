// What is known to have broken WebSocket libraries, tried on this one from end to end: a test for each attack on the
// handshake and on frames, by its number in the list of attacks. Work is counted, never timed.

import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { accept, type AcceptOptions, basicAuth, connect, HandshakeError, offer } from "../../mod.ts";
import { acceptValue } from "../../src/handshake/accept_value.ts";
import { connectionPair, fakeClock } from "../../src/testing.ts";
import { closing, frame, times, toward } from "../cases/frames_base.ts";
import { crowded, insert, line, sized, upgrade } from "../cases/requests_base.ts";
import { type Changes, switching } from "../cases/responses_base.ts";
import { concat, hex, latin1, test } from "../kit/harness.ts";
import { attached, RawPeer, settled } from "../kit/raw_peer.ts";
import { type Door, DOORS, refusal, serve } from "./attacks/doors.ts";

const tested = new Set<number>();

function attack(number: number, name: string, run: () => void | Promise<void>): void {
  tested.add(number);
  test(`attack ${number}: ${name}`, run);
}

/** An attack on a server, tried on all ways to it. */
function attackOnServer(number: number, name: string, run: (door: Door) => Promise<void>): void {
  tested.add(number);
  for (const door of DOORS) test(`attack ${number}${door.title}: ${name}`, () => run(door));
}

/** What a client makes of an answer: `"agreed"`, or the failure. */
async function judge(answer: string): Promise<string> {
  const [conn, far] = connectionPair(), peer = new RawPeer(far);
  peer.ended.then(() => peer.end(), () => {});
  const opening = connect("ws://localhost/", { conn }).catch((error: Error) => error);
  const key = /Sec-WebSocket-Key: (.*)\r/.exec(await peer.until("\r\n\r\n"))![1]!;
  peer.write(answer.replaceAll("{accept}", await acceptValue(key)));
  const result = await opening;
  if (result instanceof HandshakeError) assert(conn.isClosed);
  else assert(!(result instanceof Error), String(result));
  return result instanceof HandshakeError ? result.failure : (result.abort(), "agreed");
}

/** What something costs: bytes that are searched, copied and allocated, and characters that are looked at. */
async function work(run: () => Promise<unknown>): Promise<number> {
  type Sized = { readonly length: number };
  let count = 0;
  const { Uint8Array } = globalThis, bytes = Object.getPrototypeOf(Uint8Array.prototype), undo: (() => void)[] = [];
  const watch = (
    owner: object,
    names: string[],
    cost: (call: { self: Sized; first: Sized; from: number; result: Sized }) => number,
  ) => {
    for (const name of names) {
      const before = Object.getOwnPropertyDescriptor(owner, name)!;
      const value = function (this: Sized, ...args: [Sized, number?]): unknown {
        const result = before.value.apply(this, args);
        count += cost({ self: this, first: args[0], from: args[1] ?? 0, result });
        return result;
      };
      Object.defineProperty(owner, name, { ...before, value });
      undo.push(() => Object.defineProperty(owner, name, before));
    }
  };
  watch(bytes, ["indexOf", "includes", "findIndex"], ({ self, from }) => self.length - from);
  watch(bytes, ["set"], ({ first }) => first.length);
  watch(bytes, ["slice", "map"], ({ result }) => result.length);
  watch(String.prototype, ["charCodeAt", "codePointAt", "charAt", "at"], () => 1);
  globalThis.Uint8Array = new Proxy(Uint8Array, {
    construct(target, args, derived) {
      if (typeof args[0] === "number") count += args[0];
      return Reflect.construct(target, args, derived);
    },
  });
  await run().finally(() => undo.concat(() => globalThis.Uint8Array = Uint8Array).forEach((step) => step()));
  return count;
}

attackOnServer(1, "too many fields (CVE-2024-37890)", async ({ serve }) => {
  for (const count of [129, 2000]) assertEquals(await refusal(serve(crowded(count))), ["head-too-large", 431]);
  assertEquals((await serve(crowded(128))).statuses, [101]); // the server is alive
});

// In memory alone: over a socket it would be the kernel that cuts the bytes
attack(2, "a head that is searched anew at each byte (CVE-2023-43669)", async () => {
  const cost = (size: number) =>
    work(async () => assertEquals((await serve(sized(size), {}, { chunkSize: 1 })).statuses, [101]));
  const once = await cost(8192), twice = await cost(16384);
  assert(once > 8192 && twice < 2.5 * once, `${once} became ${twice}`);
  for (const chunkSize of [1, 7, Infinity]) {
    assertEquals(await refusal(serve(sized(16385), {}, { chunkSize })), ["head-too-large", 431]);
  }
});

const BACKTRACK = "fields that make an expression backtrack (CVE-2021-32640, CVE-2020-7662, CVE-2023-26103)";
attackOnServer(3, BACKTRACK, async ({ serve, counts }) => {
  const values: [name: string, value: (size: number) => string, status: number][] = [
    ["Sec-WebSocket-Protocol", (size) => `a${" ".repeat(size)}b`, 400],
    ["Sec-WebSocket-Protocol", (size) => `a${" ,".repeat(size / 2)}`, 101],
    ["Sec-WebSocket-Extensions", (size) => `a; b="${"\\c".repeat(size / 2)}`, 400],
    ["Sec-WebSocket-Extensions", (size) => `a;${" ".repeat(size)}=`, 400],
    ["Connection", (size) => `Upgrade${" ".repeat(size)}x`, 426],
    ["Upgrade", (size) => `${"\t,".repeat(size / 2)}websocket`, 101],
  ];
  for (const [name, value, status] of values) {
    const cost = (size: number) => {
      const request = upgrade({ [name]: value(size) });
      return work(async () => assertEquals((await serve(request, { maxHeadSize: 2 ** 21 })).statuses, [status]));
    };
    // The steps of an expression can't be counted: one that backtracks would not come to its end with so much
    const once = await cost(2 ** 19);
    if (!counts) continue;
    const twice = await cost(2 ** 20);
    assert(once > 2 ** 19 && twice < 2.5 * once, `${name}: ${once} became ${twice}`);
  }
});

attackOnServer(4, "names of an object's prototype as extensions, subprotocols and fields", async ({ serve }) => {
  const names = ["constructor", "__proto__", "toString"], list = names.join(", ");
  const request = insert(`Sec-WebSocket-Extensions: ${list}\r\nSec-WebSocket-Protocol: ${list}\r\n__proto__: x\r\n`);
  const { statuses, reply } = await serve(request, { protocols: ["chat"] });
  assertEquals([statuses, /Extensions|Protocol:/i.test(reply)], [[101], false]);
});

attackOnServer(6, "lengths of 64 bits (CVE-2026-1528, CVE-2020-27813, CVE-2020-13935)", async (door) => {
  const rows: [length: bigint, failure: string, closeCode?: number][] = [
    [2n ** 63n, "length-too-large", 1002],
    [2n ** 63n - 1n, "message-too-big", 1009],
    [2n ** 53n + 1n, "message-too-big", 1009],
    [2n ** 24n + 1n, "message-too-big", 1009],
    [2n ** 24n, "connection-lost"], // allowed, but it has still to come
    [126n, "length-not-minimal", 1002],
  ];
  for (const role of door.roles) {
    for (const [length, failure, closeCode] of rows) {
      const cost = await work(async () => {
        const found = await door.feed(role, hex(toward(role)(2, [], { length, bits: 64 })));
        assertEquals([found.failure, found.closeCode], [failure, closeCode]);
      });
      if (door.counts) assert(cost < 10_000, `${length}: ${cost} bytes`);
    }
  }
});

attackOnServer(8, "a message in tiny or empty fragments (CVE-2026-48779, CVE-2026-12151)", async (door) => {
  const count = 1_000_000;
  for (const role of door.roles) {
    const tiny = hex(toward(role)(0, [97], { fin: false })), { length } = tiny, bytes = new Uint8Array(length * count);
    for (let i = 0; i < count; i++) bytes.set(tiny, length * i);
    bytes[0] = 1;
    const { closeCode, failure } = await door.feed(role, concat(bytes, tiny), count);
    assertEquals([closeCode, failure], [1009, "message-too-big"]);
    bytes[length * (count - 1)] = 0x80;
    const { messages } = await door.feed(role, bytes, count);
    assert(messages.length === 1 && messages[0] === "a".repeat(count));
    const empty = hex(toward(role)(0, [], { fin: false })), many = new Uint8Array(empty.length * count);
    for (let i = 0; i < count; i++) many.set(empty, empty.length * i);
    const cost = await work(() => door.feed(role, concat(hex(toward(role)(1, [97], { fin: false })), many)));
    if (door.counts) assert(cost < 5 * many.length, `${cost} bytes`); // those of the connection and the test
  }
});

attack(9, "memory shown in a Close frame (CVE-2026-45736)", () => {
  for (const closeCode of ["1000", 1000.5, NaN, null, new Uint8Array(2), {}] as number[]) {
    const { socket, conn } = attached();
    assertThrows(() => socket.close({ closeCode }), DOMException, "the code is");
    assertEquals(conn.bytesWritten, 0);
    socket.abort();
  }
  for (const odd of [new Uint8Array(9), new Float64Array(2), new ArrayBuffer(50), 99, [7]] as object[]) {
    const { socket, conn } = attached();
    assertThrows(() => socket.close({ reason: odd as unknown as string }), TypeError, "as a string");
    assertEquals(conn.bytesWritten, 0);
    socket.abort();
  }
});

const VERSION = upgrade({ "Sec-WebSocket-Version": "777" }), INTERNAL = "GET /internal HTTP/1.1\r\nHost: a\r\n\r\n";

attackOnServer(10, "a request smuggled behind a refused upgrade", async ({ serve }) => {
  assertEquals(await refusal(serve(VERSION + INTERNAL)), ["version-unsupported", 426]);
  const body = upgrade({ "Content-Length": "5" }, "POST / HTTP/1.1") + "HTTP/1.1 101 Switching Protocols\r\n\r\n";
  assertEquals(await refusal(serve(body + INTERNAL, { keepAlive: true })), ["method-not-get", 405]);
});

// serve() answers it itself when it is asked for: tests/server/serve_connection_test.ts
attack(10, "a request behind a refused upgrade is given back only when keepAlive asks for it", async () => {
  const { error, statuses, conn } = await serve(VERSION + INTERNAL, { keepAlive: true });
  assertInstanceOf(error, HandshakeError);
  assertEquals([error.rest, statuses, conn.isClosed], [latin1(INTERNAL), [426], false]);
});

attackOnServer(
  11,
  "a body in front of the frames, of a length that is read in two ways (CVE-2026-1525)",
  async ({ serve }) => {
    const bodies = ["Content-Length: 7", "Transfer-Encoding: chunked", "Transfer-Encoding: xchunked"];
    const ambiguous = ["Content-Length: 0\r\nContent-Length: 7", "Content-Length: 0\r\nTransfer-Encoding: chunked"];
    for (const length of ["-0", "0x0", "0, 0"]) ambiguous.push(`Content-Length: ${length}`);
    for (const body of [...bodies, ...ambiguous]) {
      const failure = bodies.includes(body) ? "body-present" : "head-malformed";
      assertEquals(
        await refusal(serve(insert(`${body}\r\n`) + "\x81\x80\0\0\0\0", { keepAlive: true })),
        [failure, 400],
        body,
      );
    }
  },
);

attackOnServer(12, "heads that a proxy reads in another way", async ({ serve }) => {
  const singles = ["Host", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Origin"];
  const fields = ["x: a\r\n b: c", "x : a", "x: a\nb: c", "x: a\ry: b", "x: a\0", "x", ": a", "Host: b"];
  const starts = ["GET  / HTTP/1.1", "GET / HTTP/1.1 ", "GET http://a@b/ HTTP/1.1", "GET b/ HTTP/1.1"];
  const heads = [null, "a, b", "a@b", "a b"].map((Host) => upgrade({ Host })).concat(starts.map(line));
  heads.push(upgrade().replaceAll("\r\n", "\n"));
  for (const name of singles) heads.push(insert(`${name}: a\r\n${name}: a\r\n`));
  for (const field of fields) heads.push(insert(`${field}\r\n`));
  for (const head of heads) {
    assertEquals((await refusal(serve(head, { origins: "any" })))[1], 400, JSON.stringify(head));
  }
  const mixed = { Host: "b.example", Origin: "http://a.example" }; // RFC 9112 §3.2.2: the target wins
  const { accepted } = await serve(upgrade(mixed, "GET http://a.example/ HTTP/1.1"));
  assertEquals(accepted?.request.url, "http://a.example/");
  assertEquals(await refusal(serve(upgrade(mixed, "GET http://b.example/ HTTP/1.1"))), ["origin-refused", 403]);
  assertEquals((await serve(insert("Upgrade: h2c\r\nConnection: keep-alive\r\n"))).statuses, [101]); // lists may repeat
});

/** What an application may put into a head by mistake. */
const EVIL = "a\r\nInjected: 1";
const EVIL_HEADERS: readonly AcceptOptions["headers"][] = (() => {
  const ours = ["Upgrade", "Connection", "Sec-WebSocket-Accept", "Content-Length", "Transfer-Encoding"];
  const given = ours.concat("Sec-WebSocket-Extensions").flatMap((name) => [{ [name]: "1" }, setting(name)]);
  return [{ x: EVIL }, { [EVIL]: "x" }, setting("x", EVIL), setting(EVIL), setting("x", "a\0"), ...given];
})();
function setting(name: string, value = "1") {
  return ({ headers }: { headers: Headers }) => headers.set(name, value);
}

const SPLIT = "heads split by what the application puts in (CVE-2026-1527, CVE-2026-43966, CVE-2026-43969)";
attackOnServer(13, SPLIT, async ({ serve }) => {
  const choices: AcceptOptions[] = [{ protocols: [EVIL] }, { protocols: () => EVIL }, { protocols: () => "other" }];
  for (
    const options of [...EVIL_HEADERS, setting("Host")].map((headers): AcceptOptions => ({ headers })).concat(choices)
  ) {
    const { error, reply } = await serve(upgrade({ "Sec-WebSocket-Protocol": "chat" }), options);
    assertInstanceOf(error, TypeError);
    assert(/^(?:HTTP\/1\.1 500 (?![^]*(?:Injected|HTTP\/))[^]*)?$/.test(reply), reply);
  }
});

attack(13, `${SPLIT}, by a client`, async () => {
  const rows: [error: typeof TypeError | typeof DOMException, url: string, options?: object][] = [
    ...EVIL_HEADERS.map((headers): [typeof TypeError, string, object] => [TypeError, "ws://a/", { headers }]),
    [DOMException, "ws://a/", { protocols: EVIL }],
    [DOMException, "ws://a b/"],
  ];
  for (const [error, url, options] of rows) {
    const [conn] = connectionPair();
    await assertRejects(() => connect(url, { conn, ...options }), error);
    assertEquals(conn.bytesWritten, 0);
  }
  assertEquals(offer("ws://a/ \r\nInjected: 1\r\n?\r\n\0b").request.url, "http://a/%20Injected:%201?%00b");
});

attackOnServer(
  14,
  "a WebSocket opened by a stranger's page (CWE-1385, CVE-2026-27977, CVE-2025-24010)",
  async ({ serve }) => {
    const own = "http://server.example.com", listed = ["https://app.example", /https:\/\/\w+\.app\.example/];
    const rows: [status: number, origins: AcceptOptions["origins"], ...(string | null)[]][] = [
      [101, undefined, null, own, "HTTP://Server.Example.Com", "https://server.example.com"],
      [403, undefined, "null", "", `${own}:8080`, `${own}.evil`, `http://evil/${own}`, `${own}@evil`],
      [101, listed, null, "https://app.example", "https://eu.app.example"],
      [403, listed, "null", own, "http://app.example", "https://app.example:8443", "https://app.example.evil"],
      [403, listed, "https://eu.app.example.evil", "https://evil/https://eu.app.example"],
      [101, ["null"], "null"],
      [101, "any", "null", "http://evil"],
    ];
    for (const [status, origins, ...values] of rows) {
      const requests = values.map((Origin) => upgrade({ Origin }));
      for (const request of requests) assertEquals((await serve(request, { origins })).statuses, [status], request);
    }
    assertEquals(await refusal(serve(insert("Origin: null\r\n".repeat(2)), { origins: "any" })), [
      "head-malformed",
      400,
    ]);
  },
);

attack(15, "a 101 that does not answer this request", async () => {
  const accept = "Sec-WebSocket-Accept", ok = "HTTP/1.1 200 OK", old = "HTTP/1.0 101 Switching Protocols";
  const rows: [outcome: string, ...changes: Changes[]][] = [
    ["agreed", {}, { [accept]: " \t{accept}\t " }, { "Content-Length": "5" }], // RFC 9112 §6.3: a 101 has no body
    ["accept-mismatch", { [accept]: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" }, { [accept]: ["{accept}", "{accept}"] }],
    ["accept-missing", { [accept]: null }],
    ["upgrade-missing", { Upgrade: null }, { Upgrade: "h2c" }],
    ["connection-missing", { Connection: null }, { Connection: "close" }],
    ["protocol-unrequested", { "Sec-WebSocket-Protocol": "chat" }],
    ["extension-unrequested", { "Sec-WebSocket-Extensions": "permessage-deflate" }],
  ];
  for (const [outcome, ...list] of rows) {
    for (const changes of list) assertEquals(await judge(switching(changes)), outcome, JSON.stringify(changes));
  }
  assertEquals(await judge(switching({ "Content-Length": "0" }, ok)), "status-not-101");
  assertEquals(await judge(switching({}, old)), "http-version-unsupported");
});

attackOnServer(16, "frames without a mask, or with one from a server", async (door) => {
  const bytes = { server: hex(frame(1, [97], { key: null })), client: hex(frame(1, [97])) };
  for (const role of door.roles) {
    const { closeCode, messages } = await door.feed(role, bytes[role]);
    assertEquals([closeCode, messages], [1002, []]);
  }
});

attack(16, "masks that can be guessed", async () => {
  const { socket, peer } = attached("client", {}, { highWaterMark: Infinity });
  const { getRandomValues } = crypto, { random } = Math;
  let bytes = 0;
  crypto.getRandomValues = <Pool extends ArrayBufferView | null>(pool: Pool): Pool => {
    bytes += pool!.byteLength;
    return getRandomValues.call(crypto, pool as never) as Pool;
  };
  Math.random = () => assert(false, "Math.random() is no source of keys") as never;
  try {
    for (let i = 0; i < 4096; i++) socket.send("");
  } finally {
    Reflect.deleteProperty(crypto, "getRandomValues");
    Math.random = random;
  }
  await settled();
  const keys = peer.take().match(/[^]{6}/g)!.map((frame) => frame.slice(2));
  assertEquals(keys.length, 4096);
  // All random bytes but those of a pool; two equal keys are possible, three once in a thousand million runs
  assert(bytes >= 4 * (4096 - 512) && new Set(keys).size >= 4094);
});

// Over sockets, those of serve() among them, a client that takes its time for the head is in tests/whole/sockets/refusals.ts
attack(17, "a peer that takes its time, at each stage", async () => {
  const clock = fakeClock(), [far, conn] = connectionPair(), peer = new RawPeer(far);
  const failed = assertRejects(() => accept(conn, { clock, closeTimeout: 5000 }), HandshakeError);
  for (const byte of upgrade().slice(0, 10)) {
    peer.write(byte);
    await clock.advance(1000);
  }
  assertEquals([peer.hasEnded, peer.take().slice(0, 12)], [true, "HTTP/1.1 408"]);
  await clock.advance(5000); // nor does it ever end
  assertEquals([(await failed).failure, conn.isClosed, clock.pending], ["handshake-timeout", true, 0]);
  for (const stage of ["frame", "close", "write"] as const) {
    const { clock, conn, socket, peer } = attached("server", {}, { highWaterMark: 0, reads: false });
    const received = socket.receive(() => {}).catch((error) => error);
    if (stage === "frame") peer.write(hex("81 fe 00")); // the beginning of a header
    else if (stage === "close") socket.close().catch(() => {});
    else socket.send("a");
    await clock.advance(stage === "close" ? 10_000 : 120_000);
    assertEquals((await received).failure, stage === "close" ? "connection-lost" : "ping-timeout");
    assertEquals([conn.isClosed, clock.pending], [true, 0]);
  }
});

attackOnServer(19, "passwords guessed by time, or misread (CVE-2021-33880)", async ({ serve }) => {
  const authorize = basicAuth({ realm: 'a "b"', users: { user: "pa:ss", ü: "€" } });
  const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;
  const rows: [status: number, digests: number, ...credentials: (string | null)[]][] = [
    [101, 2, basic("user:pa:ss"), basic("ü:€")],
    [401, 2, ...["user:pa", "user:pa:sx", "user:", "nobody:pa:ss", "nobody:", "__proto__:", ":"].map(basic)],
    [401, 0, basic("user"), `Basic ${btoa("\xfc:\x80")}`, "Basic !!!!", "Basic", "Bearer dTpw", null],
  ];
  const { subtle } = crypto, digest = subtle.digest.bind(subtle);
  for (const [status, wanted, ...list] of rows) {
    for (const Authorization of list) {
      let digests = 0; // both sides of a comparison, whatever they are
      subtle.digest = (name, data) => (digests += Number(name === "SHA-256"), digest(name, data));
      const { statuses, reply } = await serve(upgrade({ Authorization }), { authorize });
      Reflect.deleteProperty(subtle, "digest");
      assertEquals([statuses, digests], [[status], wanted], String(Authorization));
      assertEquals(reply.includes('WWW-Authenticate: Basic realm="a \\"b\\"", charset="UTF-8"\r\n'), status === 401);
    }
  }
});

attackOnServer(21, "bytes beyond ASCII in a head (CVE-2026-55517)", async ({ serve, counts }) => {
  for (let byte = 0x80; byte <= 0xff; byte += counts ? 1 : 0x7f / 5) {
    const char = String.fromCharCode(byte), Origin = `http://${char}`;
    assertEquals(await refusal(serve(upgrade({ "Sec-WebSocket-Protocol": char }))), ["protocol-malformed", 400]);
    assertEquals(await refusal(serve(insert(`x${char}: a\r\n`))), ["head-malformed", 400]);
    assertEquals(await refusal(serve(upgrade({ Origin }))), ["origin-refused", 403]);
    const { accepted } = await serve(upgrade({ Origin }), { origins: "any" });
    assertEquals(accepted?.request.headers.get("origin"), Origin);
    assertEquals(await judge(switching({ x: char }, `HTTP/1.1 101 ${char}`)), "agreed");
    assertEquals(await judge(`HTTP/1.1 404 ${char}\r\nContent-Length: 0\r\n\r\n`), "status-not-101");
  }
});

attackOnServer(22, "frames against the rules", async (door) => {
  for (const role of door.roles) {
    const f = toward(role), open = { fin: false };
    const bits = [1, 2, 4].map((rsv) => f(1, [], { rsv }));
    const codes = [0, 999, 1004, 1005, 1006, 1015, 2999, 5000].map((code) => f(8, closing(code)));
    const orders = [f(0), f(1, [], open) + f(1), f(1, [], open) + f(0, [], { rsv: 4 })];
    const rows: [closeCode: number, ...bytes: string[]][] = [
      [1002, f(9, times(126)), f(9, [], open), f(8, [3]), f(3), f(7), f(11), f(15), ...bits, ...codes, ...orders],
      [1007, f(1, [0xff]), f(1, [0xc3], open) + f(0, [0x28]), f(1, [0xed, 0xa0, 0x80]), f(8, closing(1000, [0xff]))],
    ];
    for (const [closeCode, ...list] of rows) {
      for (const bytes of list) assertEquals((await door.feed(role, hex(bytes))).closeCode, closeCode, bytes);
    }
  }
});

attack(22, "a flood of pings", async () => {
  const { socket, conn, peer } = attached("server", { highWaterMark: 1000 }, { reads: false, highWaterMark: 1000 });
  socket.receive(() => {}).catch(() => {});
  for (let i = 0; i < 10_000; i++) peer.frame("server", "ping", [i >> 8, i & 255]);
  peer.frame("server", "binary", [1]);
  while (peer.conn.bytesWritten < 80_007) await settled();
  assert(conn.bytesWritten < 2500, `${conn.bytesWritten} bytes`); // what is under way, a piece that waits
  peer.read().catch(() => {});
  await settled();
  const pongs = peer.frames("server");
  assertEquals([pongs.length < 1000, pongs.at(-1)], [true, { pong: "27 0f" }]);
  socket.abort();
});

// serve() has no prefix; frames behind its head, however they are cut, are in tests/server/serve_connection_test.ts
attack(24, "bytes behind the head lost, or read as another head", async () => {
  const all = latin1(upgrade() + "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
  for (let cut = 0; cut <= all.length; cut++) {
    const [far, conn] = connectionPair();
    new RawPeer(far).write(all.slice(cut));
    const accepted = await accept(conn, { prefix: all.slice(0, cut) });
    assertEquals((await accepted.readable.getReader().read()).value, "Hello", `cut at ${cut}`);
    accepted.abort();
  }
  const [far, conn] = connectionPair(), size = 70_000; // longer than any buffer for a head
  new RawPeer(far).end();
  const accepted = await accept(conn, { prefix: concat(latin1(upgrade()), hex(frame(2, times(size)))) });
  assertEquals((await accepted.readable.getReader().read()).value?.length, size);
  accepted.abort();
});

test("every attack on the handshake and on frames has its test", () => {
  const elsewhere = [5, 7, 18, 20, 23]; // compression, dialling, HTTP/2
  assertEquals([...tested, ...elsewhere].sort((a, b) => a - b), Array.from({ length: 24 }, (_, i) => i + 1));
});
