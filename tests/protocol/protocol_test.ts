import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import type { CompressionOptions, DeflateAgreement } from "../../src/protocol/compression_options.ts";
import { WebSocketError } from "../../src/errors/websocket_error.ts";
import { latin1 as latin } from "../../src/http/field_lines.ts";
import { type Agreement, type Message, Protocol, type ProtocolOptions, type SendOptions } from "../../src/protocol.ts";
import { prepare } from "../../src/protocol/prepared_message.ts";
import { agreed } from "../cases/deflate.ts";
import { type Event, type FrameRow, frames } from "../cases/frames.ts";
import { concat, everySplit, hex, latin1, random, test } from "../kit/harness.ts";

const agreement = (role: Agreement["role"], deflate?: DeflateAgreement): Agreement => ({
  role,
  protocol: "",
  extensions: deflate ? "permessage-deflate" : "",
  ...(deflate && { deflate }),
});

/** A frame of ours as it stands on the wire. */
interface Frame {
  readonly first: number;
  readonly key: string | undefined;
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** Takes bytes apart by the letter of RFC 6455 §5.2; they must be whole frames. */
function parse(bytes: Uint8Array): Frame[] {
  const found: Frame[] = [];
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at]!, second = bytes[at + 1]!;
    const size = (second & 127) === 126 ? 2 : (second & 127) === 127 ? 8 : 0;
    let length = second & 127;
    if (size > 0) length = bytes.subarray(at + 2, at + 2 + size).reduce((length, byte) => length * 256 + byte, 0);
    at += 2 + size;
    const key = second >= 128 ? bytes.subarray(at, at += 4) : undefined;
    const payload = bytes.slice(at, at += length);
    if (key) { for (let i = 0; i < payload.length; i++) payload[i]! ^= key[i % 4]!; }
    found.push({ first, key: key && key.join(" "), payload });
    assert(at <= bytes.length, "the last frame is not whole");
  }
  return found;
}

/** Everything that waits to be written. */
function takeAll(machine: Protocol): Uint8Array<ArrayBuffer> {
  const pieces = [];
  for (let bytes; (bytes = machine.take());) pieces.push(bytes.slice());
  return concat(...pieces);
}

/** A machine with everything that came of it so far, bytes as strings of a character each. */
class Subject {
  readonly machine: Protocol;
  readonly events: Event[] = [];
  readonly errors: WebSocketError[] = [];
  /** The payloads of our Close frames. */
  readonly closes: string[] = [];

  constructor(role: Agreement["role"], options: ProtocolOptions = {}, deflate?: DeflateAgreement) {
    const note = (event: Event) => {
      this.answers(); // what was written before the event stands before it
      this.events.push(event);
    };
    this.machine = new Protocol(agreement(role, deflate), {
      message: (message) => note(typeof message === "string" ? { text: message } : { binary: latin(message) }),
      pong: (payload) => note({ pong: latin(payload) }),
      close: ({ closeCode: close, reason }) => note({ close, reason }),
      fail: (error) => {
        this.errors.push(error);
        note({ failure: error.failure as never, closeCode: error.closeCode as never });
      },
    }, options);
  }

  /** Pongs are events; Close frames are kept. */
  answers(): void {
    for (const { first, payload } of parse(takeAll(this.machine))) {
      if (first === 0x8a) this.events.push({ ping: latin(payload) });
      else {
        assertEquals(first, 0x88);
        this.closes.push(latin(payload));
      }
    }
  }
}

/** What a row expects, with bytes as strings of a character each. */
function expected({ expect }: FrameRow): Event[] {
  const bytes = (digits: string) => latin(hex(digits));
  return expect.map((event) =>
    "binary" in event
      ? { binary: bytes(event.binary) }
      : "ping" in event
      ? { ping: bytes(event.ping) }
      : "pong" in event
      ? { pong: bytes(event.pong) }
      : event
  );
}

test("Protocol.receive() makes of every row of the frames what it must, at every split (RFC 6455 §5–§8, RFC 7692)", async () => {
  for (const row of frames) {
    const events = expected(row), last = events.at(-1);
    // §5.5.1, §7.1.7: one Close frame, with the peer's code or the failure's
    const code = last && ("close" in last ? last.close : "failure" in last ? last.closeCode : undefined);
    await everySplit(hex(row.bytes), (chunks) => {
      const subject = new Subject(row.role, row.options, row.deflate);
      for (const chunk of chunks) subject.machine.receive(chunk);
      subject.answers();
      assertEquals(subject.events, events, row.name);
      const [close, ...more] = subject.closes.map((payload) => latin1(payload));
      assertEquals(more, []);
      assertEquals(close && (close.length === 0 ? 1005 : close[0]! << 8 | close[1]!), code, row.name);
      assertEquals(subject.machine.state, code === undefined ? "open" : "closed");
    });
  }
});

test("Protocol fails with the table's row as an error, and its sentence as the reason (RFC 6455 §7.1.7)", () => {
  const { machine, errors, closes } = new Subject("server", { maxMessageSize: 1000 });
  machine.receive(hex("82 fe 03 e9"));
  machine.receive(hex("00 00 00 00"));
  const [error] = errors;
  assert(error instanceof WebSocketError);
  assertEquals([error.failure, error.section], ["message-too-big", "RFC 6455 §7.4.1"]);
  assertEquals([error.closeCode, error.message], [1009, "The message has more than 1000 bytes"]);
  assertEquals(closes, ["\x03\xf1The message has more than 1000 bytes"]);
  assertEquals(machine.state, "closed");
});

test("Protocol answers a Close frame with its code alone (RFC 6455 §5.5.1)", () => {
  for (
    const [bytes, answer] of [["88 00", "88 00"], ["88 02 0f a0", "88 02 0f a0"], [
      "88 05 03 e8 62 79 65",
      "88 02 03 e8",
    ]]
  ) {
    const machine = new Protocol(agreement("client"), { message() {}, close() {}, fail() {} }, { maskKey: () => 0 });
    machine.receive(hex(bytes!));
    assertEquals(parse(takeAll(machine)).map(({ payload }) => payload), [hex(answer!).slice(2)]);
  }
});

test("Protocol sends the examples of the RFC, and reads them (RFC 6455 §5.7)", () => {
  const server = new Subject("server"), client = new Subject("client", { maskKey: () => 0x37fa213d });
  const hello = new TextEncoder().encode("Hello");
  const sent = ({ machine }: Subject, send: (machine: Protocol) => void) => {
    send(machine);
    return takeAll(machine);
  };
  const examples: [from: Subject, to: Subject, send: (machine: Protocol) => void, bytes: string, event: Event[]][] = [
    [server, client, (machine) => machine.send("Hello"), "81 05 48 65 6c 6c 6f", [{ text: "Hello" }]],
    [client, server, (machine) => machine.send("Hello"), "81 85 37 fa 21 3d 7f 9f 4d 51 58", [{ text: "Hello" }]],
    [
      server,
      client,
      (machine) => {
        machine.send("Hel", { fin: false });
        machine.send("lo");
      },
      "01 03 48 65 6c 80 02 6c 6f",
      [{ text: "Hello" }],
    ],
    [server, client, (machine) => machine.ping(hello), "89 05 48 65 6c 6c 6f", [{ ping: "Hello" }]],
    [server, client, (machine) => machine.send(new Uint8Array(256)), `82 7e 01 00 ${"00".repeat(256)}`, [
      { binary: "\0".repeat(256) },
    ]],
    [
      server,
      client,
      (machine) => machine.send(new Uint8Array(65536)),
      `82 7f 00 00 00 00 00 01 00 00 ${"00".repeat(65536)}`,
      [{ binary: "\0".repeat(65536) }],
    ],
  ];
  for (const [from, to, send, bytes, events] of examples) {
    const wire = sent(from, send);
    assertEquals(latin(wire), latin(hex(bytes)));
    to.events.length = 0;
    to.machine.receive(wire);
    if ("ping" in events[0]!) {
      // The pong of the RFC is the answer to its ping
      assertEquals(takeAll(to.machine), hex("8a 85 37 fa 21 3d 7f 9f 4d 51 58"));
    } else assertEquals(to.events, events);
  }
});

/** Sends by a machine of each role, and gives what the other role makes of it. */
function roundTrip(role: Agreement["role"], ...messages: Message[]): (string | Uint8Array)[] {
  const sender = new Subject(role).machine;
  const received: (string | Uint8Array)[] = [];
  const receiver = new Protocol(agreement(role === "server" ? "client" : "server"), {
    message: (message) => void received.push(message),
    close: () => assert(false),
    fail: (error) => assert(false, error.message),
  });
  for (const message of messages) sender.send(message);
  receiver.receive(takeAll(sender));
  return received;
}

test("Protocol.send() takes every kind of buffer, as far as it is a view of it", () => {
  const { buffer } = Uint8Array.from({ length: 16 }, (_, i) => i);
  const sources: BufferSource[] = [buffer, new Uint8Array(buffer, 3, 5), new DataView(buffer, 1, 2)];
  sources.push(
    new Uint16Array(buffer, 4, 3),
    new Float64Array(buffer, 8),
    new Uint8Array(buffer, 16),
    new ArrayBuffer(0),
  );
  const bytes = [[0, 16], [3, 8], [1, 3], [4, 10], [8, 16], [16, 16], [0, 0]].map(([from, to]) =>
    new Uint8Array(buffer).slice(from, to)
  );
  for (const role of ["server", "client"] as const) assertEquals(roundTrip(role, ...sources), bytes);
  assertEquals(new Uint8Array(buffer), Uint8Array.from({ length: 16 }, (_, i) => i));
});

test("Protocol.send() throws for what is no message, and writes nothing", () => {
  const resizable = new ArrayBuffer(4, { maxByteLength: 8 }), detached = new ArrayBuffer(4);
  detached.transfer();
  const shared = new SharedArrayBuffer(4);
  const wrong = [
    shared,
    new Uint8Array(shared),
    resizable,
    new DataView(resizable),
    detached,
    1,
    null,
    undefined,
    true,
  ];
  for (const message of [...wrong, {}, [1], ["a"], new String("a"), Symbol.iterator, () => {}, new Blob(), 1n]) {
    const { machine } = new Subject("server");
    assertThrows(() => machine.send(message as Message), TypeError);
    assertEquals([machine.buffered, machine.take()], [0, undefined]);
    machine.send("a");
    assertEquals(takeAll(machine), hex("81 01 61"));
  }
});

test("Protocol.send() throws for an option that is no boolean, and goes on as if it had not been called", () => {
  const { machine } = new Subject("server");
  for (const wrong of [1, 0, "", "false", null]) {
    for (const name of ["fin", "compress"]) {
      for (const message of ["a", Uint8Array.of(1), prepare("a")]) {
        const options = { [name]: wrong } as SendOptions;
        assertThrows(() => machine.send(message, options), TypeError, `Cannot use the option ${name}`);
      }
    }
  }
  assertEquals([machine.buffered, machine.take()], [0, undefined]);
  machine.send("a", { fin: true, compress: undefined });
  assertEquals(takeAll(machine), hex("81 01 61"));
});

test("Protocol.send() has taken its own copy when it returns", () => {
  const { machine } = new Subject("server");
  const bytes = Uint8Array.of(1, 2, 3);
  machine.send(bytes);
  bytes.fill(9);
  assertEquals(takeAll(machine), hex("82 03 01 02 03"));
});

test("Protocol.send() writes U+FFFD for lone surrogates (RFC 6455 §5.6)", () => {
  for (const role of ["server", "client"] as const) {
    assertEquals(roundTrip(role, "\ud800", "a\udc00b", "𝄞"), ["\ufffd", "a\ufffdb", "𝄞"]);
  }
});

test("Protocol.send() writes text of every length and width (RFC 6455 §5.2)", () => {
  for (const role of ["server", "client"] as const) {
    for (const size of [0, 1, 124, 125, 126, 127, 16384, 16385, 65534, 65535, 65536, 65537]) {
      for (const character of ["a", "é", "€", "𝄞"]) {
        const width = new TextEncoder().encode(character).length;
        const text = character.repeat(size / width) + "b".repeat(size % width);
        const [received] = roundTrip(role, text);
        assert(received === text, `${size} bytes of ${character}`);
      }
    }
  }
});

test("Protocol.send() writes a message in pieces, with control frames between (RFC 6455 §5.4)", () => {
  const { machine } = new Subject("server");
  machine.send(Uint8Array.of(1), { fin: false });
  machine.ping();
  machine.send(new Uint8Array(), { fin: false });
  machine.send(Uint8Array.of(2), { fin: true });
  machine.send("a", { fin: false });
  machine.send("", {});
  machine.send("b");
  assertEquals(takeAll(machine), hex("02 01 01 89 00 00 00 80 01 02 01 01 61 80 00 81 01 62"));
});

test("Protocol.send() throws when the pieces of a message are of two kinds (RFC 6455 §5.4)", () => {
  for (const [first, second] of [["a", Uint8Array.of(1)], [Uint8Array.of(1), "a"]] as [Message, Message][]) {
    const { machine } = new Subject("server");
    machine.send(first, { fin: false });
    assertThrows(() => machine.send(second), TypeError, "all strings or all buffers");
    machine.send(first); // the message goes on as it began
    machine.send(second);
    const opcodes = parse(takeAll(machine)).map(({ first }) => first);
    const [one, two] = typeof first === "string" ? [1, 2] : [2, 1];
    assertEquals(opcodes, [one, 0x80, 0x80 | two]);
  }
});

test("Protocol masks each frame of a client with a fresh key, and none of a server (RFC 6455 §5.1, §5.3)", () => {
  const client = new Subject("client").machine, server = new Subject("server").machine;
  for (const machine of [client, server]) {
    for (let i = 0; i < 1000; i++) {
      machine.send("a");
      machine.send(new Uint8Array(3), { fin: false });
      machine.send(new Uint8Array());
      machine.ping();
    }
    machine.close();
  }
  const keys = parse(takeAll(client)).map(({ key }) => key);
  assert(keys.every((key) => key !== undefined));
  assertEquals(keys.length, 4001);
  assert(new Set(keys).size >= keys.length - 2); // three equal ones are expected once in a thousand million runs
  assert(parse(takeAll(server)).every(({ key }) => key === undefined));
});

test("Protocol.ping() writes at most 125 bytes (RFC 6455 §5.5, §5.5.2)", () => {
  const { machine } = new Subject("server");
  machine.ping();
  machine.ping(new Uint8Array(125));
  assertEquals(parse(takeAll(machine)).map(({ first, payload }) => [first, payload.length]), [[0x89, 0], [0x89, 125]]);
  assertThrows(() => machine.ping(new Uint8Array(126)), RangeError, "126 bytes");
  assertThrows(() => machine.ping("a" as unknown as BufferSource), TypeError);
  assertEquals(machine.take(), undefined);
});

test("Protocol.close() writes one Close frame (RFC 6455 §5.5.1, §7.1.2)", () => {
  for (
    const [info, bytes] of [
      [undefined, "88 00"],
      [{}, "88 00"],
      [{ closeCode: 1000 }, "88 02 03 e8"],
      [{ reason: "bye" }, "88 05 03 e8 62 79 65"],
      [{ closeCode: 4999, reason: "€" }, "88 05 13 87 e2 82 ac"],
    ] as const
  ) {
    const { machine } = new Subject("server");
    machine.close(info);
    machine.close({ closeCode: 3000 });
    assertEquals([takeAll(machine), machine.state], [hex(bytes), "closing"]);
    for (const call of [() => machine.send("a"), () => machine.ping()]) {
      assertEquals(assertThrows(call, DOMException, "not open").name, "InvalidStateError");
    }
  }
  const { machine } = new Subject("server");
  assertThrows(() => machine.close({ closeCode: 1005 }), DOMException);
  assertThrows(() => machine.close({ reason: "x".repeat(124) }), DOMException);
  assertEquals([machine.state, machine.take()], ["open", undefined]);
});

test("Protocol throws nothing away that was sent before close() (RFC 6455 §7.1.2)", () => {
  const { machine } = new Subject("server");
  machine.send("a");
  machine.close();
  assertEquals(takeAll(machine), hex("81 01 61 88 00"));
});

test("Protocol reads on after our Close frame for the peer's, and answers pings (RFC 6455 §5.5.1, §5.5.2)", () => {
  const subject = new Subject("client");
  const { machine, events, closes } = subject;
  machine.receive(hex("01 03 61 62 63")); // the beginning of a message, which is dropped
  machine.close({ closeCode: 1000 });
  // its end; text that is not UTF-8; a message in pieces; a ping; the Close frame; and what is behind it
  const after = "80 01 64 81 01 ff 02 01 01 80 01 02 89 01 70 88 02 03 e9 81 01 61";
  for (const byte of hex(after)) machine.receive(Uint8Array.of(byte));
  subject.answers();
  assertEquals(events, [{ ping: "p" }, { close: 1001, reason: "" }]);
  assertEquals([closes, machine.state], [["\x03\xe8"], "closed"]);
});

test("Protocol fails also after our Close frame, without a second one (RFC 6455 §7.1.7)", () => {
  const { machine, events, closes } = new Subject("client");
  machine.close();
  machine.receive(hex("83 00"));
  assertEquals(events, [{ failure: "opcode-reserved", closeCode: 1002 }]);
  assertEquals([closes, machine.state], [[""], "closed"]);
});

test("Protocol reads, sends and answers nothing once it is closed (RFC 6455 §7.1.7)", () => {
  for (const end of ["88 00", "83 00"]) {
    const subject = new Subject("client");
    const { machine, events } = subject;
    machine.receive(hex(end));
    assertEquals([events.length, machine.state], [1, "closed"]);
    machine.receive(hex("89 00 81 01 61"));
    machine.close({ closeCode: 1000 });
    for (const call of [() => machine.send("a"), () => machine.ping()]) assertThrows(call, DOMException, "not open");
    assertEquals([events.length, machine.take()], [1, undefined]);
  }
});

/** How many bytes of arrays are made. */
function allocated(run: () => void): number {
  const { Uint8Array } = globalThis;
  let count = 0;
  globalThis.Uint8Array = new Proxy(Uint8Array, {
    construct(target, parameters, derived) {
      if (typeof parameters[0] === "number") count += parameters[0];
      return Reflect.construct(target, parameters, derived);
    },
  });
  try {
    run();
  } finally {
    globalThis.Uint8Array = Uint8Array;
  }
  return count;
}

test("Protocol allocates nothing for a header, whatever it declares (RFC 6455 §10.4)", () => {
  const allowed = new Subject("client");
  const header = hex("82 7f 00 00 00 00 01 00 00 00"); // 16 MiB
  const size = allocated(() => allowed.machine.receive(header));
  assertEquals([allowed.events, size], [[], 0]);
  const more = allocated(() => allowed.machine.receive(Uint8Array.of(1)));
  assert(more < 100, `${more} bytes for one`);
  for (const length of ["00 00 00 00 01 00 00 01", "00 00 00 01 00 00 00 00", "7f ff ff ff ff ff ff ff"]) {
    const { machine, events } = new Subject("client");
    const size = allocated(() => machine.receive(hex(`82 7f ${length}`)));
    assertEquals(events, [{ failure: "message-too-big", closeCode: 1009 }]);
    assert(size < 4096, `${size} bytes`);
  }
});

test("Protocol takes a million fragments of one byte as one message, at the price of its bytes (RFC 6455 §5.4)", () => {
  const count = 1_000_000;
  let received: string | Uint8Array | undefined;
  const machine = new Protocol(agreement("client"), {
    message: (message) => received = message,
    close: () => assert(false),
    fail: (error) => assert(false, error.message),
  }, { maxMessageSize: count });
  const fragments = new Uint8Array(3 * count);
  for (let i = 0; i < count; i++) fragments.set([i === 0 ? 2 : i === count - 1 ? 0x80 : 0, 1, i], 3 * i);
  const size = allocated(() => {
    for (let at = 0; at < fragments.length; at += 65536) machine.receive(fragments.slice(at, at + 65536));
  });
  assert(received instanceof Uint8Array && received.length === count);
  assert(received.every((byte, i) => byte === (i & 255)));
  assert(size < 4 * count, `${size} bytes`);
});

test("Protocol holds no memory for fragments without bytes (RFC 6455 §5.4)", () => {
  for (const first of ["01 00", "02 03 61 62 63"]) {
    const { machine, events } = new Subject("client");
    machine.receive(hex(first));
    const empty = hex("00 00".repeat(10_000));
    const size = allocated(() => {
      for (let i = 0; i < 100; i++) machine.receive(empty.slice());
    });
    assertEquals([events, size], [[], 0]);
    machine.receive(hex("80 00"));
    assertEquals(events, [first.startsWith("01") ? { text: "" } : { binary: "abc" }]);
  }
});

test("Protocol gives every empty message bytes of its own, which may be given away", () => {
  const received: Uint8Array<ArrayBuffer>[] = [];
  const machine = new Protocol(agreement("client"), {
    message: (message) => void received.push(message as Uint8Array<ArrayBuffer>),
    pong: (payload) => void received.push(payload),
    close: () => assert(false),
    fail: (error) => assert(false, error.message),
  });
  for (let i = 0; i < 2; i++) {
    machine.receive(hex("82 00 02 00 80 00 8a 00"));
    for (const { buffer } of received.splice(0)) structuredClone(buffer, { transfer: [buffer] });
  }
  machine.ping(); // its own empty payload is not theirs
  machine.receive(hex("89 00"));
  assertEquals(parse(takeAll(machine)).map(({ first }) => first), [0x89, 0x8a]);
});

test("Protocol answers a flood of pings with the last one, while nothing is taken (RFC 6455 §5.5.3)", () => {
  const { machine } = new Subject("client", { highWaterMark: 1000 });
  const payload = new Uint8Array(125);
  const ping = (i: number) => {
    new DataView(payload.buffer).setUint32(0, i);
    machine.receive(concat(hex("89 7d"), payload));
  };
  const size = allocated(() => {
    for (let i = 1; i <= 10_000; i++) ping(i);
  });
  assert(machine.buffered < 1000 + 200, `${machine.buffered} bytes wait`);
  assert(size < 10_000 * 300, `${size} bytes`); // those of the test
  const pongs = parse(takeAll(machine)).map(({ first, payload }) => [first, new DataView(payload.buffer).getUint32(0)]);
  assert(pongs.length <= 10, `${pongs.length} pongs`);
  assertEquals(pongs.slice(0, 2), [[0x8a, 1], [0x8a, 2]]);
  assertEquals(pongs.at(-1), [0x8a, 10_000]);
  ping(7);
  assertEquals(parse(takeAll(machine)).length, 1);
});

test("Protocol.buffered is what waits to be taken", () => {
  const { machine } = new Subject("server");
  assertEquals(machine.buffered, 0);
  machine.send("abc");
  machine.ping();
  assertEquals(machine.buffered, 7);
  machine.take();
  assertEquals(machine.buffered, 0);
});

test("Protocol.pause() and resume() are those of its reader", () => {
  const { machine, events } = new Subject("client");
  machine.pause();
  machine.receive(hex("81 01 61"));
  assertEquals(events, []);
  machine.resume();
  assertEquals(events, [{ text: "a" }]);
});

test("Protocol keeps nothing that comes after its end, though it is paused", () => {
  const { machine, events } = new Subject("client");
  machine.receive(hex("88 00"));
  machine.pause();
  machine.receive(hex("81 01 61"));
  machine.resume();
  assertEquals(events, [{ close: 1005, reason: "" }]);
});

test("Protocol.recycle() has a slab used again", () => {
  const { machine } = new Subject("server");
  machine.send(new Uint8Array(1000)); // what is short may be copied
  const first = machine.take()!;
  machine.recycle(first);
  machine.send(new Uint8Array(1000));
  assertStrictEquals(machine.take()!.buffer, first.buffer);
});

test("Protocol never rewrites bytes that were taken and not recycled", () => {
  const next = random(8);
  const machines = [new Subject("server").machine, new Subject("client").machine];
  const taken: { readonly machine: Protocol; readonly bytes: Uint8Array<ArrayBuffer>; readonly copy: Uint8Array }[] =
    [];
  const check = ({ bytes, copy }: typeof taken[number]) => assert(bytes.every((byte, at) => byte === copy[at]));
  for (let i = 0; i < 5000; i++) {
    const machine = machines[next() % 2]!;
    const size = next() % [100, 3000, 20_000, 70_000][next() % 4]!;
    if (i % 3 === 0) machine.send("ä".repeat(size / 2));
    else machine.send(new Uint8Array(size).fill(i));
    const bytes = next() % 2 === 0 ? machine.take() : undefined;
    if (bytes) taken.push({ machine, bytes, copy: bytes.slice() });
    if (taken.length > 16) {
      const [done] = taken.splice(next() % taken.length, 1);
      check(done!);
      done!.machine.recycle(done!.bytes);
    }
  }
  taken.forEach(check);
});

test("a machine refuses at once what it can't compress with (RFC 7692 §7.1.2)", () => {
  const ignore = { message() {}, close() {}, fail() {} };
  const make = (deflate: DeflateAgreement, compression?: CompressionOptions) => {
    return new Protocol({ role: "server", protocol: "", extensions: "", deflate }, ignore, { compression });
  };
  assertThrows(() => make(agreed({ serverMaxWindowBits: 8 })), RangeError, "agreement.deflate.serverMaxWindowBits");
  assertThrows(() => make(agreed({ clientMaxWindowBits: 7 })), RangeError, "agreement.deflate.clientMaxWindowBits");
  assertThrows(() => make(agreed(), { level: 99 }), RangeError, "compression.level");
  make(agreed({ clientMaxWindowBits: 8 }));
});
