import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { nextTurn } from "../../src/base/clock.ts";
import { OPCODE } from "../../src/protocol/frame_header.ts";
import { MessageReader } from "../../src/protocol/message_reader.ts";
import { closing, frame, times } from "../cases/frames_base.ts";
import { collectGarbage, everySplit, hex, latin1, test, text } from "../kit/harness.ts";

/** What is done when something is found; its word for the log. */
type Reaction = (found: string, reader: MessageReader) => void;

interface Settings {
  readonly masked?: boolean;
  readonly maxMessageSize?: number;
  readonly then?: Reaction;
}

/** A reader, and what it has found, a line each; it stops at a failure and at a Close frame, as its owner would. */
function reading({ masked = false, maxMessageSize = 1000, then }: Settings = {}) {
  const found: string[] = [];
  const note = (line: string) => {
    found.push(line);
    then?.(line, reader);
  };
  const reader: MessageReader = new MessageReader(
    {
      messages: {
        onMessage: (message) => note(typeof message === "string" ? `text ${message}` : `binary ${text(message)}`),
      },
      onControl(opcode, payload) {
        if (opcode === OPCODE.close) reader.stop();
        note(`${opcode === OPCODE.close ? "close" : opcode === OPCODE.ping ? "ping" : "pong"} ${text(payload)}`);
      },
      onFailure(failure, detail) {
        reader.stop();
        note(detail ?? failure);
      },
      onBehind() {},
    },
    masked,
    maxMessageSize,
  );
  return { reader, found };
}

/** Every kind of frame, and what is found in it, in the order in which frames end. */
const EVERYTHING =
  "81 01 61 01 01 62 89 02 70 70 00 00 80 01 63 8a 00 82 02 00 ff 81 00 02 00 89 00 80 01 7a 88 02 03 e8";
const FOUND = [
  "text a",
  "ping pp",
  "text bc",
  "pong ",
  "binary \0\xff",
  "text ",
  "ping ",
  "binary z",
  "close \x03\xe8",
];

test("MessageReader tells of messages and control frames in the order of their ends (RFC 6455 §5.4)", async () => {
  await everySplit(hex(EVERYTHING + "81 01 78"), (chunks) => {
    const { reader, found } = reading();
    for (const chunk of chunks) reader.receive(chunk);
    assertEquals(found, FOUND);
  });
});

test("MessageReader unmasks what comes in pieces (RFC 6455 §5.3)", async () => {
  const payload = times(70).map((byte, i) => byte + i % 26);
  const bytes = frame(2, payload, { fin: false }) + frame(9, payload.slice(9)) + frame(0, payload);
  await everySplit(hex(bytes), (chunks) => {
    const { reader, found } = reading({ masked: true });
    for (const chunk of chunks) reader.receive(chunk);
    const letters = String.fromCharCode(...payload);
    assertEquals(found, [`ping ${letters.slice(9)}`, `binary ${letters}${letters}`]);
  });
});

test("MessageReader gives views of a chunk, and memory of its own to what spans chunks", () => {
  const seen: Uint8Array<ArrayBuffer>[] = [];
  const reader = new MessageReader(
    {
      messages: { onMessage: (message) => void seen.push(message as Uint8Array<ArrayBuffer>) },
      onControl: (_opcode, payload) => void seen.push(payload),
      onFailure: (failure) => assert(false, failure),
      onBehind: () => assert(false),
    },
    true,
    1000,
  );
  const long = Array<number>(1000).fill(1); // what is short may be copied
  const whole = hex(frame(2, long) + frame(9, [3, 4]));
  reader.receive(whole);
  for (const payload of seen) assertStrictEquals(payload.buffer, whole.buffer);
  for (const byte of hex(frame(9, [5, 6]) + frame(9, [7, 8]) + frame(2, [9, 10]) + frame(2, [11, 12]))) {
    reader.receive(Uint8Array.of(byte));
  }
  assertEquals(seen.map((payload) => [...payload]), [long, [3, 4], [5, 6], [7, 8], [9, 10], [11, 12]]);
  assertEquals(new Set(seen.map(({ buffer }) => buffer)).size, 5);
});

test("MessageReader gives a control frame of 125 bytes whole, at any cut, also inside a message", async () => {
  const payload = times(125).map((_, i) => i), close = closing(1000, times(123));
  const bytes = frame(1, [0x61], { fin: false, key: null }) + frame(10, payload, { key: null }) +
    frame(0, [0x62], { key: null }) + frame(8, close, { key: null });
  await everySplit(hex(bytes), (chunks) => {
    const { reader, found } = reading();
    for (const chunk of chunks) reader.receive(chunk);
    assertEquals(found, [
      `pong ${text(latin1(String.fromCharCode(...payload)))}`,
      "text ab",
      `close \x03\xe8${"a".repeat(123)}`,
    ]);
  });
});

test("MessageReader holds back a control frame until its last byte (RFC 6455 §5.5)", () => {
  const bytes = hex("89 03 61 62 63");
  for (let cut = 0; cut < bytes.length; cut++) {
    const { reader, found } = reading();
    reader.receive(bytes.slice(0, cut));
    assertEquals(found, []);
    reader.receive(bytes.slice(cut));
    assertEquals(found, ["ping abc"]);
  }
});

test("MessageReader tells what precedes a failure, the failure, and nothing behind it (RFC 6455 §7.1.7)", async () => {
  await everySplit(hex("81 01 61 89 00 01 01 62 c1 01 63 81 01 64"), (chunks) => {
    const { reader, found } = reading();
    for (const chunk of chunks) reader.receive(chunk);
    assertEquals(found, ["text a", "ping ", "rsv-set"]);
  });
});

test("MessageReader judges a rule as soon as its bytes are there", () => {
  for (
    const [bytes, failure] of [
      ["83 00", "opcode-reserved"],
      ["89 7e", "control-too-long"],
      ["82 7e 00 7d", "length-not-minimal"],
      ["82 7f 80 00 00 00 00 00 00 00", "length-too-large"],
      ["82 7e 03 e9", "The message has more than 1000 bytes"],
      ["81 0a 61 ff", "text-not-utf8"],
      ["01 02 e2 82 00 01 61", "text-not-utf8"],
    ] as const
  ) {
    const { reader, found } = reading();
    const all = hex(bytes);
    for (const byte of all.slice(0, -1)) reader.receive(Uint8Array.of(byte));
    assertEquals(found, [], bytes);
    reader.receive(all.slice(-1));
    assertEquals(found, [failure], bytes);
  }
});

test("MessageReader counts fragments against the limit before they come (RFC 6455 §10.4)", () => {
  const { reader, found } = reading();
  reader.receive(hex("02 01 00" + "00 01 00".repeat(999)));
  assertEquals(found, []);
  reader.receive(hex("00 01"));
  assertEquals(found, ["The message has more than 1000 bytes"]);
});

test("MessageReader counts each message anew, and no control frame", async () => {
  const bytes = "82 02 61 62 02 01 63 89 02 70 70 80 01 64 8a 02 70 70 82 02 65 66 02 02 67 68 80 00 82 03";
  await everySplit(hex(bytes), (chunks) => {
    const { reader, found } = reading({ maxMessageSize: 2 });
    for (const chunk of chunks) reader.receive(chunk);
    const messages = ["binary ab", "ping pp", "binary cd", "pong pp", "binary ef", "binary gh"];
    assertEquals(found, [...messages, "The message has more than 2 bytes"]);
  });
});

const LETTERS = hex("81 01 61 01 01 62 80 01 63 89 00 81 01 64 81 00 81 01 65 88 00");
const LETTERS_FOUND = ["text a", "text bc", "ping ", "text d", "text ", "text e", "close "];

/** Stops at each event. */
const hesitate: Reaction = (_found, reader) => reader.pause();

test("MessageReader.pause() from inside an event stops there, also in the middle of a chunk, and nothing is lost", async () => {
  await everySplit(LETTERS, (chunks) => {
    const { reader, found } = reading({ then: hesitate });
    for (const chunk of chunks) reader.receive(chunk);
    for (let count = 1; count < LETTERS_FOUND.length; count++) {
      assertEquals(found, LETTERS_FOUND.slice(0, count));
      reader.resume();
    }
    assertEquals(found, LETTERS_FOUND);
  });
});

test("MessageReader.pause() keeps what is received meanwhile in its order", () => {
  const { reader, found } = reading({ then: hesitate });
  reader.pause();
  for (const byte of LETTERS) {
    reader.receive(Uint8Array.of(byte));
    assertEquals(found, []);
  }
  for (let i = 0; i < LETTERS_FOUND.length; i++) reader.resume();
  assertEquals(found, LETTERS_FOUND);
});

test("MessageReader.pause() inside a frame holds the rest of it back", () => {
  const bytes = hex(EVERYTHING);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const { reader, found } = reading();
    reader.receive(bytes.slice(0, cut));
    const before = found.length;
    reader.pause();
    reader.receive(bytes.slice(cut));
    reader.receive(hex("81 01 78"));
    assertEquals(found.length, before);
    reader.resume();
    assertEquals(found, FOUND, `cut at ${cut}`);
  }
});

test("MessageReader.resume() may be called by the event that has paused, and receive() by any", async () => {
  await everySplit(LETTERS, (chunks) => {
    const more = [...chunks];
    const { reader, found } = reading({
      then(_found, reader) {
        reader.pause();
        const next = more.shift();
        if (next) reader.receive(next);
        reader.resume();
      },
    });
    for (let next; (next = more.shift());) reader.receive(next);
    assertEquals(found, LETTERS_FOUND);
  });
});

test("MessageReader.receive() from inside an event comes behind the rest of the chunk, and of what waits", () => {
  const { reader, found } = reading({
    then(found, reader) {
      if (found === "text 1") reader.receive(hex("81 01 34"));
      if (found === "text 2") reader.receive(hex("81 01 35"));
    },
  });
  reader.pause();
  reader.receive(hex("81 01 31 81 01 32"));
  reader.receive(hex("81 01 33"));
  reader.resume();
  assertEquals(found, ["text 1", "text 2", "text 3", "text 4", "text 5"]);
});

test("MessageReader calls no event inside another, whatever events call", () => {
  let depth = 0, deepest = 0;
  const { reader, found } = reading({
    then(_found, reader) {
      deepest = Math.max(deepest, ++depth);
      reader.pause();
      if (found.length <= 1000) reader.receive(hex("81 00"));
      reader.resume();
      depth--;
    },
  });
  reader.receive(hex("81 00".repeat(1000)));
  assertEquals([found.length, deepest], [2000, 1]);
});

test("MessageReader.skipMessages() passes over messages at any cut, and finds control frames", async () => {
  // the end of a message that had begun; text that is not UTF-8; more than the limit; pieces; pings; a Close frame
  const rest = "80 01 64 81 02 ff ff" + frame(2, times(2000), { key: null }) +
    "01 01 80 89 02 70 70 00 00 80 01 62 8a 00 88 00";
  await everySplit(hex(rest), (chunks) => {
    const { reader, found } = reading();
    reader.receive(hex("01 03 61 62 63"));
    reader.skipMessages();
    for (const chunk of chunks) reader.receive(chunk);
    assertEquals(found, ["ping pp", "pong ", "close "]);
  });
});

test("MessageReader.skipMessages() drops a message that it cuts in two (RFC 6455 §7.1.2)", () => {
  const bytes = hex("82 08 01 02 03 04 05 06 07 08 82 7e 01 00" + "00".repeat(256) + "88 00");
  for (let cut = 0; cut < 14; cut++) { // up to the last byte before the second message would be too long
    const { reader, found } = reading({ maxMessageSize: 10 });
    reader.receive(bytes.slice(0, cut));
    const before = found.length;
    reader.skipMessages();
    reader.receive(bytes.slice(cut));
    assertEquals(found.slice(before), ["close "], `cut at ${cut}`);
  }
});

test("MessageReader.skipMessages() from inside an event holds for the rest of the chunk", () => {
  const { reader, found } = reading({ then: (found, reader) => found === "text a" && reader.skipMessages() });
  reader.receive(hex("81 01 61 81 01 62 89 00 88 00"));
  assertEquals(found, ["text a", "ping ", "close "]);
});

test("MessageReader.skipMessages() keeps the rules of framing (RFC 6455 §5.2, §5.4)", () => {
  for (
    const [bytes, failure] of [
      ["c1 00", "rsv-set"],
      ["80 00", "continuation-unexpected"],
      ["01 00 81 00", "continuation-expected"],
      ["81 80 00 00 00 00", "mask-unexpected"],
      ["82 7e 00 01 00", "length-not-minimal"],
    ] as const
  ) {
    const { reader, found } = reading();
    reader.skipMessages();
    reader.receive(hex(bytes));
    assertEquals(found, [failure]);
  }
});

test("MessageReader.stop() from inside an event leaves the rest of the chunk, and what waits, unread", () => {
  for (const calls of [[], ["pause"], ["resume"], ["pause", "resume"], ["skipMessages"]] as const) {
    const { reader, found } = reading({
      then(_found, reader) {
        reader.receive(hex("81 01 63"));
        reader.stop();
        reader.receive(hex("81 01 64"));
      },
    });
    reader.receive(hex("81 01 61 81 01 62 83 00"));
    for (const call of calls) reader[call]();
    reader.receive(hex("81 01 65"));
    assertEquals(found, ["text a"]);
  }
});

test("MessageReader.stop() keeps nothing of what waits, of a message, or of a frame", () => {
  const bytes = hex(EVERYTHING);
  for (let cut = 0; cut < bytes.length; cut++) {
    for (const paused of [false, true]) {
      const { reader, found } = reading();
      if (paused) reader.pause();
      reader.receive(bytes.slice(0, cut));
      const before = [...found];
      reader.stop();
      reader.resume();
      reader.receive(bytes.slice(cut));
      assertEquals(found, before, `cut at ${cut}`);
    }
  }
});

test("MessageReader.stop() lets go of the chunks that wait, and keeps none that comes later", async () => {
  const { reader } = reading();
  const chunks: WeakRef<Uint8Array>[] = [];
  const feed = () => {
    const chunk = hex("81 01 61");
    chunks.push(new WeakRef(chunk));
    reader.receive(chunk);
  };
  reader.pause();
  feed();
  await new Promise<void>((resolve) => nextTurn(resolve));
  collectGarbage();
  assertEquals(chunks.map((chunk) => chunk.deref() === undefined), [false]);
  reader.stop();
  feed();
  await new Promise<void>((resolve) => nextTurn(resolve));
  collectGarbage();
  assertEquals(chunks.map((chunk) => chunk.deref() === undefined), [true, true]);
  reader.pause(); // the reader itself is still there
});
