// Messages in pieces: what the machine hands over is the same as when it hands over whole messages, wherever the input is
// cut, and wherever it is paused.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { concat as concatAll } from "../../src/base/concat.ts";
import type { DeflateAgreement } from "../../src/protocol/compression_options.ts";
import { writeHeader } from "../../src/protocol/frame_header.ts";
import { type Agreement, Protocol, type ProtocolEvents, type ProtocolOptions } from "../../src/protocol.ts";
import { agreed, deflated } from "../cases/deflate.ts";
import { type Event, type FrameRow, frames } from "../cases/frames.ts";
import { frame, hex as pairs, times } from "../cases/frames_base.ts";
import { concat, everySplit, hex, test } from "../kit/harness.ts";

type Piece = string | Uint8Array<ArrayBuffer>;

const agreement = (role: Agreement["role"], deflate?: DeflateAgreement): Agreement => ({
  role,
  protocol: "",
  extensions: deflate ? "permessage-deflate" : "",
  ...(deflate && { deflate }),
});

const hexOf = (bytes: Uint8Array) => pairs([...bytes]);

/** A machine, what it has told, and its messages put together again. */
class Subject {
  readonly machine: Protocol;
  readonly log: string[] = [];
  readonly pieces: Piece[] = [];
  readonly events: Event[] = [];
  /** What is done at each piece. */
  atPiece = () => {};
  #message: Piece[] | undefined;
  #type = "";

  constructor(role: Agreement["role"], options: ProtocolOptions, deflate?: DeflateAgreement) {
    const events: ProtocolEvents = {
      message: (message) => {
        this.#pongs();
        this.log.push("whole");
        this.#whole(message);
      },
      begin: (type) => {
        assertEquals(this.#message, undefined, "a message begins inside another");
        this.log.push(`begin ${type}`);
        this.#type = type;
        this.#message = [];
      },
      piece: (piece) => {
        assertEquals(typeof piece === "string", this.#type === "text");
        assert(piece.length > 0 && (typeof piece !== "string" || piece.isWellFormed()));
        this.#message!.push(piece);
        this.pieces.push(piece);
        this.atPiece();
      },
      end: () => {
        this.#pongs();
        this.log.push("end");
        const parts = this.#message!;
        this.#message = undefined;
        this.#whole(this.#type === "text" ? parts.join("") : concatAll(parts as Uint8Array[]));
      },
      pong: (payload) => {
        this.#pongs();
        this.events.push({ pong: hexOf(payload) });
      },
      close: ({ closeCode, reason }) => void this.events.push({ close: closeCode, reason }),
      fail: ({ failure, closeCode }) => {
        this.#pongs();
        this.events.push({ failure: failure as never, closeCode: closeCode! });
      },
    };
    this.machine = new Protocol(agreement(role, deflate), events, { maskKey: () => 0, ...options });
  }

  /** A ping is told by the Pong frame that answers it. */
  #pongs(): void {
    for (let bytes; (bytes = this.machine.take());) {
      for (let at = 0; at < bytes.length;) {
        const length = bytes[at + 1]! & 127, start = at + 2 + (bytes[at + 1]! >= 128 ? 4 : 0);
        if (bytes[at] === 0x8a) this.events.push({ ping: hexOf(bytes.subarray(start, start + length)) });
        at = start + length;
      }
    }
  }

  #whole(message: Piece): void {
    this.events.push(typeof message === "string" ? { text: message } : { binary: hexOf(message) });
  }

  receive(...chunks: Uint8Array<ArrayBuffer>[]): this {
    for (const chunk of chunks) this.machine.receive(chunk);
    this.#pongs();
    return this;
  }
}

/** The pings' order among messages is told by a log of Pongs; here only messages and the end are compared with the rows. */
const told = (events: readonly Event[]) => events.filter((event) => !("ping" in event));

const subjectOf = ({ role, deflate, options }: FrameRow, streamAbove: number) =>
  new Subject(role, { ...options, streamAbove, maxStreamedSize: options?.maxMessageSize ?? 2 ** 24 }, deflate);

const isSampled = ({ bytes }: FrameRow) => bytes.length < 6000;

for (const streamAbove of [0, 3]) {
  for (const row of frames) {
    test(`in pieces above ${streamAbove}, wherever it is cut: ${row.name} (${row.section})`, async () => {
      const bytes = hex(row.bytes), expected = told(row.expect);
      const run = (chunks: Uint8Array<ArrayBuffer>[]) =>
        assertEquals(told(subjectOf(row, streamAbove).receive(...chunks).events), expected);
      if (isSampled(row)) return await everySplit(bytes, run);
      run([bytes.slice()]);
      run(Array.from(bytes, (byte) => Uint8Array.of(byte)));
    });
  }
}

test("every row comes to the same while it is paused at each piece", () => {
  for (const row of frames) {
    for (const chunksOf of [(bytes: Uint8Array<ArrayBuffer>) => [bytes], single]) {
      const subject = subjectOf(row, 0), { machine } = subject;
      let pauses = 0, pieces = 0;
      subject.atPiece = () => {
        machine.pause();
        pauses++;
      };
      for (const chunk of chunksOf(hex(row.bytes))) {
        subject.receive(chunk);
        while (pauses > 0) {
          assert(pauses <= 2, "it is not paused at each piece"); // the tail of a compressed message may give another
          pauses = 0;
          pieces = subject.pieces.length;
          machine.resume();
          assert(subject.pieces.length <= pieces + 2);
        }
      }
      assertEquals(told(subject.receive().events), told(row.expect), row.name);
    }
  }
});

const single = (bytes: Uint8Array) => Array.from(bytes, (byte) => Uint8Array.of(byte));

/** Bytes of which each is different from its neighbours. */
const bytesOf = (length: number) => Uint8Array.from({ length }, (_, i) => i % 251);

/** A frame of a server. */
function frameOf(first: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(10);
  return concat(header.subarray(0, writeHeader(header, 0, first, payload.length)), payload);
}

test("a frame that is longer than 64 KiB comes in pieces of at most that, between which pause() stops", () => {
  const payload = bytesOf(200_000), subject = new Subject("client", { streamAbove: 1000 });
  subject.atPiece = () => subject.machine.pause();
  subject.receive(frameOf(0x82, payload));
  for (let count = 1; count <= 4; count++) {
    assertEquals(subject.pieces.length, count);
    assertEquals(subject.log.includes("end"), count === 4);
    subject.machine.resume();
  }
  assertEquals(subject.pieces.map(({ length }) => length), [65536, 65536, 65536, 3392]);
  assertEquals(concat(...subject.pieces as Uint8Array[]), payload);
  assertEquals(subject.log, ["begin binary", "end"]);
});

test("what is inflated comes in pieces, and pause() stops inflating between them", () => {
  const deflate = agreed(), length = 2 ** 22, payload = Uint8Array.from(deflated([...new Uint8Array(length)]));
  const subject = new Subject("client", { streamAbove: 100 }, deflate);
  subject.atPiece = () => subject.machine.pause();
  subject.receive(frameOf(0xc2, payload), hex("81 02 48 69"));
  for (let count = 1; subject.log.at(-1) !== "whole"; count++) {
    assertEquals(subject.pieces.length, Math.min(count, length / 65536));
    subject.machine.resume();
  }
  assertEquals(subject.pieces.reduce((sum, piece) => sum + piece.length, 0), length);
  assertEquals(subject.log, ["begin binary", "end", "whole"]);
});

test("streamAbove is the longest message that comes whole, in one frame, in fragments, or inflated (RFC 6455 §5.4)", () => {
  const open = { fin: false, key: null }, last = { key: null };
  const cases: readonly (readonly [string, DeflateAgreement | undefined, readonly string[]])[] = [
    [frame(2, times(4), last), undefined, ["whole"]],
    [frame(2, times(5), last), undefined, ["begin binary", "end"]],
    [frame(1, times(2), open) + frame(0, times(2), last), undefined, ["whole"]],
    [frame(1, times(2), open) + frame(0, times(3), last), undefined, ["begin text", "end"]],
    [frame(1, times(2), open) + frame(0, times(2), open) + frame(0, [], last), undefined, ["whole"]],
    [frame(1, deflated(times(4)), { key: null, rsv: 4 }), agreed(), ["whole"]],
    [frame(1, deflated(times(5)), { key: null, rsv: 4 }), agreed(), ["begin text", "end"]],
    [frame(2, [], last), undefined, ["whole"]],
  ];
  for (const [bytes, deflate, expected] of cases) {
    for (const chunks of [[hex(bytes)], single(hex(bytes))]) {
      assertEquals(new Subject("client", { streamAbove: 4 }, deflate).receive(...chunks).log, expected, bytes);
    }
  }
});

test("streamAbove: 0 tells of a message at its first header, also of an empty one", () => {
  const subject = new Subject("client", { streamAbove: 0 });
  assertEquals(subject.receive(hex("02 00")).log, ["begin binary"]);
  assertEquals(subject.receive(hex("80 00 81 00")).log, ["begin binary", "end", "begin text", "end"]);
  assertEquals(subject.pieces, []);
});

test("a header above streamAbove is enough to begin, and maxMessageSize is where whole messages end", () => {
  const subject = new Subject("client", { streamAbove: 100, maxMessageSize: 4 });
  assertEquals(subject.receive(hex("82 05")).log, ["begin binary"]);
  assertEquals(subject.receive(hex("01 02")).pieces, [Uint8Array.of(1, 2)]);
});

test("maxStreamedSize is judged by the headers, and by what comes out inflated (RFC 6455 §10.4)", () => {
  const exact = { streamAbove: 2, maxStreamedSize: 8 }, big: Event = { failure: "message-too-big", closeCode: 1009 };
  assertEquals(new Subject("client", exact).receive(hex("82 08 00 00 00 00 00 00 00 00")).log, ["begin binary", "end"]);
  const cases: readonly (readonly [string, DeflateAgreement | undefined])[] = [
    ["82 09", undefined],
    ["02 05 00 00 00 00 00 80 04", undefined],
    [frame(2, deflated(times(9)), { key: null, rsv: 4 }), agreed()],
  ];
  for (const [bytes, deflate] of cases) {
    for (const chunks of [[hex(bytes)], single(hex(bytes))]) {
      assertEquals(new Subject("client", exact, deflate).receive(...chunks).events, [big], bytes);
    }
  }
});

test("text that is not UTF-8 fails at its first wrong byte, behind what came before it (RFC 6455 §8.1)", () => {
  const subject = new Subject("client", { streamAbove: 0 });
  subject.receive(hex("81 7d 61 f0 9f"));
  assertEquals([subject.pieces, subject.events], [["a"], []]);
  subject.receive(hex("98 80 ed")); // U+1F600, and the first byte of what may be a code point
  assertEquals([subject.pieces.join(""), subject.events], ["a\u{1f600}", []]);
  subject.receive(hex("a0")); // a surrogate
  assertEquals(subject.events, [{ failure: "text-not-utf8", closeCode: 1007 }]);
});

test("discard() throws away the rest of its message alone, which still has to keep the rules", () => {
  const bytes = frame(2, times(9), { fin: false, key: null }) + frame(0, times(9), { key: null }) +
    frame(1, [0x48, 0x69], { key: null });
  for (const chunks of [[hex(bytes)], single(hex(bytes))]) {
    const subject = new Subject("client", { streamAbove: 4 });
    subject.atPiece = () => subject.machine.discard();
    subject.receive(...chunks);
    assertEquals([subject.pieces.length, subject.log], [1, ["begin binary", "end", "whole"]]);
  }
  const wrong = new Subject("client", { streamAbove: 0 });
  wrong.atPiece = () => wrong.machine.discard();
  wrong.receive(hex("01 01 61"), hex("80 02 62 ff"));
  assertEquals(wrong.events, [{ failure: "text-not-utf8", closeCode: 1007 }]);
  const long = new Subject("client", { streamAbove: 0, maxStreamedSize: 3 });
  long.atPiece = () => long.machine.discard();
  long.receive(hex("02 01 00"), hex("80 03"));
  assertEquals(long.events, [{ failure: "message-too-big", closeCode: 1009 }]);
});

test("discard() keeps the window that the next message refers to (RFC 7692 §7.2.2)", () => {
  // §7.2.3.2: the second message points into the first one
  const subject = new Subject("client", { streamAbove: 0 }, agreed());
  subject.atPiece = () => subject.machine.discard();
  subject.receive(hex("41 01 f2"), hex("80 06 48 cd c9 c9 07 00 c1 05 f2 00 11 00 00"));
  assertEquals(subject.pieces.join(""), "HelloHello".slice(0, subject.pieces.join("").length));
  assertEquals(subject.pieces.at(-1)?.length, 5);
  assertEquals(subject.log, ["begin text", "end", "begin text", "end"]);
});

test("discard() between such messages does nothing", () => {
  const subject = new Subject("client", { streamAbove: 4 });
  subject.machine.discard();
  subject.receive(hex("82 05 01 02 03 04 05"));
  assertEquals(subject.pieces, [Uint8Array.of(1, 2, 3, 4, 5)]);
});

test("pieces are copies: their chunk's memory may be used again", () => {
  const subject = new Subject("client", { streamAbove: 0 }), chunk = hex("82 05 01 02 03 04 05");
  assertEquals(subject.machine.receive(chunk), true);
  chunk.fill(0);
  assertEquals(subject.pieces, [Uint8Array.of(1, 2, 3, 4, 5)]);
});

test("an event at a piece may close, or fail the connection of its own accord, and nothing more is told", () => {
  for (const deflate of [undefined, agreed()]) {
    const payload = deflate ? deflated([...bytesOf(200_000)]) : [...bytesOf(200_000)];
    const subject = new Subject("client", { streamAbove: 0 }, deflate);
    subject.atPiece = () => subject.machine.close({ closeCode: 1000 });
    subject.receive(frameOf(deflate ? 0xc2 : 0x82, Uint8Array.from(payload)), hex("82 01 00 88 02 03 e8"));
    assertEquals([subject.pieces.length, subject.log], [1, ["begin binary"]]);
    assertEquals(subject.events, [{ close: 1000, reason: "" }]);
  }
});

test("streamAbove needs the events for pieces", () => {
  const events = { message() {}, close() {}, fail() {} };
  const make = (more: object, streamAbove?: number) =>
    new Protocol(agreement("client"), { ...events, ...more }, { streamAbove });
  make({}, Infinity);
  for (const missing of ["begin", "piece", "end"]) {
    const all: Record<string, () => void> = { begin() {}, piece() {}, end() {} };
    delete all[missing];
    assertThrows(() => make(all, 0), TypeError, `Cannot use the option streamAbove: the event ${missing} is missing`);
  }
  for (const wrong of [-1, 1.5, NaN]) assertThrows(() => make({ begin() {}, piece() {}, end() {} }, wrong), RangeError);
});

test("a character that two pieces share is sent whole, one that is never completed as U+FFFD (RFC 6455 §5.6, §8.1)", () => {
  for (const deflate of [undefined, agreed()]) {
    const sender = new Protocol(agreement("server", deflate), { message() {}, close() {}, fail() {} });
    const receiver = new Subject("client", {}, deflate);
    const send = (...pieces: string[]) => {
      pieces.forEach((piece, i) => sender.send(piece, { fin: i === pieces.length - 1 }));
      for (let bytes; (bytes = sender.take());) receiver.receive(bytes.slice());
    };
    send("a\ud83d", "\ude00b");
    send("\ud83d", "", "\ude00");
    send("\ud83d", "x\ude00");
    send("\ud83d", "");
    send("\ud83d\ud83d", "\ude00");
    send("next");
    const texts = ["a\u{1f600}b", "\u{1f600}", "\ufffdx\ufffd", "\ufffd", "\ufffd\u{1f600}", "next"];
    assertEquals(receiver.events, texts.map((text) => ({ text })));
  }
});

test("a fragmented message is one stream of DEFLATE, with RSV1 on its first frame alone (RFC 7692 §6.1, §7.2.1)", () => {
  for (const bare of [false, true]) {
    const deflate = agreed({ serverNoContextTakeover: bare });
    const sender = new Protocol(agreement("server", deflate), { message() {}, close() {}, fail() {} });
    const receiver = new Subject("client", { streamAbove: 0 }, deflate);
    const firsts: number[] = [], piece = "the same again, ".repeat(20);
    for (let message = 0; message < 2; message++) {
      for (let i = 0; i < 3; i++) sender.send(piece, { fin: false });
      sender.send("");
    }
    let sizes = 0;
    for (let bytes; (bytes = sender.take());) {
      for (let at = 0; at < bytes.length; at += 2 + bytes[at + 1]!) firsts.push(bytes[at]!);
      sizes += bytes.length;
      receiver.receive(bytes.slice());
    }
    assertEquals(firsts, [0x41, 0, 0, 0x80, 0x41, 0, 0, 0x80]);
    assert(sizes < 6 * piece.length, "it has become less");
    assertEquals(receiver.events, [{ text: piece.repeat(3) }, { text: piece.repeat(3) }]);
  }
});
