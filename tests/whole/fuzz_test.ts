// Random and mutated bytes: whatever comes is accepted or a listed failure, and the same at every split. Anything thrown
// is a bug. FUZZ_SEED has a run come again, FUZZ_TIMES makes it longer.

import { assert, assertEquals } from "@std/assert";
import process from "node:process";
import { answer } from "../../src/handshake/answer.ts";
import { closePayload, parseClose } from "../../src/protocol/close_frame.ts";
import { checkCompression, type DeflateAgreement } from "../../src/protocol/compression_options.ts";
import { isCloseCode } from "../../src/errors/websocket_error.ts";
import type { Problem } from "../../src/errors/problem.ts";
import { handshakeFailures, protocolFailures } from "../../src/errors/failures.ts";
import { isToken, listElements, listHas, parseExtensions, parseTokens } from "../../src/http/field_values.ts";
import { acceptValue } from "../../src/handshake/accept_value.ts";
import { HeadReader } from "../../src/http/head_reader.ts";
import { latin1 as decode } from "../../src/http/field_lines.ts";
import { writeHead } from "../../src/http/write_head.ts";
import { judge } from "../../src/handshake/confirm.ts";
import { type Message, Protocol } from "../../src/protocol.ts";
import { type ParsedRequest, parseRequest } from "../../src/http/request_head.ts";
import { type ParsedResponse, parseResponse } from "../../src/http/response_head.ts";
import { deflated, noise } from "../cases/deflate.ts";
import { frames } from "../cases/frames.ts";
import { times as repeat } from "../cases/frames_base.ts";
import { requests } from "../cases/requests.ts";
import { responses } from "../cases/responses.ts";
import { Inflater as StrictInflater } from "../conformance/inflate.ts";
import { Misstep } from "../conformance/wire.ts";
import { concat, hex, latin1, random, test } from "../kit/harness.ts";

const seed = Number(process.env.FUZZ_SEED ?? crypto.getRandomValues(new Uint32Array(1))[0]);
const times = Number(process.env.FUZZ_TIMES ?? 1);

/** Rows longer than this are for other tests: here many short ones find more. */
const LONGEST = 1024;

/** Bytes that mean something somewhere. */
const MEANING = latin1("\0\t\n\r \"'#,/:;=?@\\A\x7f\x80\x81\x88\x89\x8a\xc0\xe2\xed\xf4\xfe\xff");

/** A source of changes. */
class Fuzz {
  readonly next: () => number;

  constructor(seed: number) {
    this.next = random(seed);
  }

  /** An integer below `limit`. */
  below(limit: number): number {
    return this.next() % limit;
  }

  pick<T>(list: ArrayLike<T>): T {
    return list[this.below(list.length)]!;
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length }, () => this.next());
  }

  /** One to four changes; `others` are what another beginning or end is taken from. */
  mutate(bytes: Uint8Array, others: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
    let changed = bytes.slice();
    for (let count = 1 + this.below(4); count > 0; count--) {
      const { length } = changed, at = this.below(length + 1), end = Math.min(length, at + 1 + this.below(8));
      const before = changed.subarray(0, at), behind = changed.subarray(at);
      switch (this.below(8)) {
        case 0:
          if (at < length) changed[at]! ^= 1 << this.below(8);
          break;
        case 1:
          if (at < length) changed[at] = this.pick(MEANING);
          break;
        case 2:
          changed = concat(before, Uint8Array.of(this.pick(MEANING)), behind);
          break;
        case 3:
          changed = concat(before, this.bytes(1 + this.below(4)), behind);
          break;
        case 4:
          changed = concat(before, changed.subarray(end));
          break;
        case 5:
          changed = concat(changed.subarray(0, end), behind);
          break;
        case 6:
          changed = changed.slice(0, at);
          break;
        case 7: {
          const other = this.pick(others);
          changed = concat(before, other.subarray(this.below(other.length + 1)));
        }
      }
    }
    return changed;
  }

  /** A row, mostly changed; or bytes of no meaning. */
  input(rows: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
    const kind = this.below(32);
    return kind === 0
      ? this.bytes(this.below(64))
      : kind === 1
      ? this.pick(rows).slice()
      : this.mutate(this.pick(rows), rows);
  }

  /** Copies of the bytes, cut anywhere; now and then each alone. */
  split(bytes: Uint8Array): Uint8Array<ArrayBuffer>[] {
    if (this.below(16) === 0) return Array.from(bytes, (byte) => Uint8Array.of(byte));
    const cuts = Array.from({ length: 1 + this.below(4) }, () => this.below(bytes.length + 1)).sort((a, b) => a - b);
    return [...cuts, bytes.length].map((cut, i) => bytes.slice(i === 0 ? 0 : cuts[i - 1], cut));
  }
}

let inputs = 0;

/** Runs `run` on `count` inputs; a failure names the input, the number of the run and the seed. */
async function fuzz(
  count: number,
  rows: readonly Uint8Array[],
  run: (fuzz: Fuzz, bytes: Uint8Array<ArrayBuffer>) => void | Promise<void>,
): Promise<void> {
  const source = new Fuzz(seed ^ rows.length);
  for (let i = 0; i < count * times; i++) {
    const bytes = source.input(rows);
    inputs++;
    try {
      const running = run(source, bytes);
      if (running) await running;
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${message}\nFUZZ_SEED=${seed}, input ${i}: ${JSON.stringify(decode(bytes))}`, { cause });
    }
  }
}

const short = (rows: readonly Uint8Array[]) => rows.filter((row) => row.length <= LONGEST);

/** A problem is in the table, and says what is wrong. */
function assertProblem(problem: Problem): void {
  assert(Object.hasOwn(handshakeFailures, problem.failure), problem.failure);
  assert(problem.detail !== "" && /^[\x20-\x7e\xa0-\uffff]*$/.test(problem.detail), problem.detail);
}

/** A head that is whole, with what is behind it; what is wrong with it; or `undefined`. */
function readHead<Head extends ParsedRequest | ParsedResponse>(
  chunks: readonly Uint8Array[],
  emptyLines: 0 | 1,
  parse: (head: Uint8Array) => Head | Problem,
): { head: Head; rest: Uint8Array } | Problem | undefined {
  const reader = new HeadReader(LONGEST, emptyLines);
  for (const [i, chunk] of chunks.entries()) {
    const found = reader.push(chunk);
    if (!found) continue;
    if ("failure" in found) return found;
    const head = parse(found.head);
    return "failure" in head ? head : { head, rest: concat(found.rest, ...chunks.slice(i + 1)) };
  }
  return undefined;
}

/** All that is known of a head, to be compared. */
function describe(read: ReturnType<typeof readHead>): string {
  if (!read || "failure" in read) return JSON.stringify(read) ?? "";
  return JSON.stringify([{ ...read.head, headers: [...read.head.headers] }, decode(read.rest)]);
}

test("a mutated request is answered with a 101 or a listed failure, the same at every split", async () => {
  const rows = short(requests.map((row) => latin1(row.bytes + (row.rest ?? ""))));
  let upgrades = 0, refusals = 0;
  await fuzz(70_000, rows, async (fuzz, bytes) => {
    const read = readHead([bytes.slice()], 1, parseRequest);
    const split = readHead(fuzz.split(bytes), 1, parseRequest);
    assert(describe(read) === describe(split), `${describe(read)} became ${describe(split)}`);
    if (!read) return;
    if ("failure" in read) return assertProblem(read);
    const { head } = read;
    // What is kept of it can be a standard Request's, and nothing is in the URL that was not in the authority or target
    assertEquals(new URL(head.url).href, head.url);
    assert(new Headers([...head.headers]));
    const { response, agreement, error } = await answer(head, { protocols: ["chat"], compression: true });
    if (agreement) {
      upgrades++;
      assertEquals([response.status, head.method, head.version], [101, "GET", "1.1"]);
      assertEquals(
        response.headers.get("sec-websocket-accept"),
        await acceptValue(head.headers.get("sec-websocket-key")!),
      );
    } else {
      refusals++;
      assert(Object.hasOwn(handshakeFailures, error.failure) && response.status >= 400);
    }
  });
  assert(upgrades > 1000 * times && refusals > 1000 * times, `${upgrades} upgrades, ${refusals} refusals`);
});

test("a mutated response is an agreement or a listed failure, the same at every split", async () => {
  const key = "dGhlIHNhbXBsZSBub25jZQ==", accept = await acceptValue(key);
  const written = responses.map((row) => row.bytes.replaceAll("{accept}", accept).replaceAll("{key}", key));
  const request = new Request("http://h/");
  let agreements = 0, failures = 0;
  await fuzz(50_000, short(written.map((row) => latin1(row))), async (fuzz, bytes) => {
    const read = readHead([bytes.slice()], 0, parseResponse);
    const split = readHead(fuzz.split(bytes), 0, parseResponse);
    assert(describe(read) === describe(split), `${describe(read)} became ${describe(split)}`);
    if (!read) return;
    if ("failure" in read) return assertProblem(read);
    const { head } = read;
    assert(head.status >= 100 && head.status <= 999);
    assert(new Headers([...head.headers]));
    const deflate = checkCompression(fuzz.below(2) === 0, "client");
    const protocols = fuzz.below(2) === 0 ? [] : ["chat", "superchat"];
    const verdict = await judge({ request, key, protocols, deflate }, head);
    if ("failure" in verdict) {
      failures++;
      assertProblem(verdict);
    } else {
      agreements++;
      assertEquals([head.status, head.headers.get("sec-websocket-accept")], [101, accept]);
    }
  });
  assert(agreements > 100 * times && failures > 1000 * times, `${agreements} agreements, ${failures} failures`);
});

/** Everything that comes of chunks, in order, as text; failures are also added to those that were `seen`. */
function play(
  role: "server" | "client",
  chunks: readonly Uint8Array<ArrayBuffer>[],
  closesFirst: boolean,
  seen: Set<string>,
  deflate: DeflateAgreement | undefined,
): string {
  const happened: string[] = [];
  const written = () => {
    for (let bytes; (bytes = machine.take());) happened.push(`< ${decode(bytes)}`);
  };
  const note = (event: string) => {
    written();
    happened.push(event);
  };
  let ends = 0;
  const machine = new Protocol({ role, protocol: "", extensions: "", ...(deflate && { deflate }) }, {
    message: (message) => note(typeof message === "string" ? `text ${message}` : `binary ${decode(message)}`),
    pong: (payload) => note(`pong ${decode(payload)}`),
    close({ closeCode, reason }) {
      ends++;
      assert(closeCode === 1005 || isCloseCode(closeCode));
      note(`close ${closeCode} ${reason}`);
    },
    fail({ failure, section, closeCode }) {
      ends++;
      assert(failure !== undefined && Object.hasOwn(protocolFailures, failure), failure);
      assertEquals([section, closeCode], [protocolFailures[failure].section, protocolFailures[failure].closeCode]);
      seen.add(failure);
      note(`failure ${failure}`);
    },
  }, { maxMessageSize: 300, maskKey: () => 0x01020304 });
  if (closesFirst) machine.close({ closeCode: 1000 });
  for (const chunk of chunks) machine.receive(chunk);
  written();
  assertEquals([ends, machine.buffered], [machine.state === "closed" ? 1 : 0, 0]);
  return happened.join("\n");
}

/** Any agreement about compression. */
function agreedBy(fuzz: Fuzz): DeflateAgreement {
  return {
    serverMaxWindowBits: 9 + fuzz.below(7),
    clientMaxWindowBits: 9 + fuzz.below(7),
    serverNoContextTakeover: fuzz.below(2) === 0,
    clientNoContextTakeover: fuzz.below(2) === 0,
  };
}

test("mutated frames are messages, a close or a listed failure, the same at every split, for both roles", async () => {
  const rows = short(frames.map((row) => hex(row.bytes)));
  const seen = new Set<string>();
  await fuzz(100_000, rows, (fuzz, bytes) => {
    const role = fuzz.below(2) === 0 ? "server" : "client", closesFirst = fuzz.below(8) === 0;
    const deflate = fuzz.below(4) === 0 ? undefined : agreedBy(fuzz);
    const whole = play(role, [bytes.slice()], closesFirst, seen, deflate);
    const split = play(role, fuzz.split(bytes), closesFirst, seen, deflate);
    assert(whole === split, `${role}: ${JSON.stringify(whole)} became ${JSON.stringify(split)}`);
  });
  // Those that come of bytes: all but the ones of a connection that says nothing, or not enough
  const expected = Object.keys(protocolFailures).filter((failure) =>
    !/^(?:ping-timeout|message-timeout|send-buffer-full|connection-lost)$/.test(failure)
  );
  assertEquals(expected.filter((failure) => !seen.has(failure)), []);
});

/** In bytes; most payloads are within it. */
const LIMIT = 600;

/** Payloads of messages, with blocks of every kind. */
const payloads = [
  ...["f2 48 cd c9 c9 07 00", "f2 00 11 00 00", "f3 48 cd c9 c9 07 00 00", "00 05 00 fa ff 48 65 6c 6c 6f 00", "00"],
  "f2 48 05 00 00 00 ff ff ca c9 c9 07 00",
  "f3 48 cd c9 c9 07 00 03 00 f2 48 cd c9 c9 07 00",
  ...["01", "f2 48 cd c9 c9 07 04", "00 05 00 fa ff 48 65 6c 6c 6f 01", "01 05 00 fa ff 48"],
].map((digits) => hex(digits)).concat(
  ...[noise(100), [...noise(400), ...noise(100)], noise(300).map((byte) => byte & 7), repeat(250), repeat(500, 0)]
    .map((bytes) => [9, 15].map((bits) => Uint8Array.from(deflated(bytes, bits)))),
);

/** What an inflater that has nothing in common with ours makes of the payloads, under the limit of {@linkcode inflate}. */
function inflateStrictly(messages: readonly Uint8Array[], deflate: DeflateAgreement): string {
  const inflater = new StrictInflater(deflate.serverMaxWindowBits, !deflate.serverNoContextTakeover, false);
  const happened: string[] = [];
  for (const message of messages) {
    let failure = "deflate-invalid", bytes;
    try {
      bytes = message.length === 0 ? message : inflater.inflate(message);
    } catch (error) {
      if (!(error instanceof Misstep)) throw error;
      // Ours was too large before it was wrong, or has not got there
      if (inflater.size > LIMIT) failure = "message-too-big";
    }
    if (bytes && bytes.length > LIMIT) failure = "message-too-big";
    if (!bytes || bytes.length > LIMIT) {
      happened.push(failure);
      break;
    }
    happened.push(decode(bytes));
  }
  return JSON.stringify(happened);
}

/** What comes of the payloads of compressed messages, each in fragments. */
function inflate(messages: readonly (readonly Uint8Array[])[], deflate: DeflateAgreement): string {
  const happened: string[] = [];
  const machine = new Protocol({ role: "client", protocol: "", extensions: "", deflate }, {
    message: (message) => happened.push(typeof message === "string" ? message : decode(message)),
    close: () => assert(false),
    fail: ({ failure }) => happened.push(failure!),
  }, { maxMessageSize: LIMIT });
  for (const fragments of messages) {
    for (const [i, { length }] of fragments.entries()) {
      const first = (i === 0 ? 0x42 : 0) | (i === fragments.length - 1 ? 0x80 : 0);
      const size = length < 126 ? [length] : [126, length >> 8, length & 255];
      machine.receive(concat(Uint8Array.of(first, ...size), fragments[i]!));
    }
  }
  return JSON.stringify(happened);
}

test("a mutated deflate stream is a message, deflate-invalid or message-too-big, the same in any fragments, as another inflater has it", async () => {
  const ends = { "deflate-invalid": 0, "message-too-big": 0, messages: 0 };
  await fuzz(100_000, payloads, (fuzz, bytes) => {
    const deflate = agreedBy(fuzz), messages = [fuzz.pick(payloads), bytes, fuzz.pick(payloads)];
    const whole = inflate(messages.map((message) => [message]), deflate);
    // An empty payload byte by byte would be no frame at all
    const fragments = messages.map((message) => message.length === 0 ? [message] : fuzz.split(message));
    const split = inflate(fragments, deflate);
    assert(whole === split, `${JSON.stringify(deflate)}: ${whole} became ${split}`);
    assertEquals(whole, inflateStrictly(messages, deflate), JSON.stringify(deflate));
    const events: string[] = JSON.parse(whole), last = events.at(-1)!;
    if (last === "deflate-invalid" || last === "message-too-big") ends[last]++;
    else {
      assertEquals(events.length, 3);
      ends.messages++;
    }
  });
  assert(Object.values(ends).every((count) => count > 100 * times), JSON.stringify(ends));
});

test("a mutated list is elements, tokens and extensions by the grammar, or not", async () => {
  const fields = /^(?:sec-websocket-(?:protocol|extensions)|connection|upgrade): *(.*)\r$/gim;
  const values = requests.flatMap((row) => [...row.bytes.matchAll(fields)].map(([, value]) => latin1(value!)));
  await fuzz(40_000, short(values), (_, bytes) => {
    const value = decode(bytes);
    const elements = listElements(value);
    assert(elements.every((element) => element !== "" && !element.includes(",") && !/^[ \t]|[ \t]$/.test(element)));
    const tokens = parseTokens(value);
    assertEquals(
      tokens !== undefined,
      elements.length > 0 && elements.every(isToken) && tokens?.length === elements.length,
    );
    for (const token of tokens ?? []) assert(listHas(value, token.toLowerCase()));
    const extensions = parseExtensions(value);
    if (!extensions) return;
    assert(extensions.length > 0);
    for (const { name, parameters } of extensions) {
      assert(isToken(name));
      for (const [name, value] of parameters) assert(isToken(name) && (value === true || isToken(value)));
    }
    // Written down again it is the same
    const again = extensions.map(({ name, parameters }) =>
      [name, ...parameters.map(([name, value]) => value === true ? name : `${name}="${value}"`)].join(";")
    );
    assertEquals(parseExtensions(again.join(",")), extensions);
  });
});

test("a mutated Close payload is code and reason, or a listed failure", async () => {
  const reasons = ["", "bye", "aä€𝄞", "a".repeat(123)];
  const payloads = [1000, 1001, 1003, 1005, 1006, 1007, 1014, 1015, 2999, 3000, 4999, 5000, 65535].flatMap((code) =>
    reasons.map((reason) => closePayload(code, reason))
  );
  await fuzz(20_000, payloads, (_, bytes) => {
    const parsed = parseClose(bytes);
    if (typeof parsed === "string") return assert(Object.hasOwn(protocolFailures, parsed), parsed);
    if (bytes.length === 0) return assertEquals(parsed, { closeCode: 1005, reason: "" });
    assertEquals(closePayload(parsed.closeCode, parsed.reason), bytes);
  });
});

test("what is written as a head is read as the same head", () => {
  const fuzz = new Fuzz(seed);
  const names = "!#$%&'*+-.^_`|~09azAZ", values = '\t !"09:;,az~\x80\xa0\xff';
  const word = (from: string, most: number) => Array.from({ length: fuzz.below(most) }, () => fuzz.pick(from)).join("");
  for (let i = 0; i < 5000 * times; i++) {
    inputs++;
    const fields = Array.from({ length: fuzz.below(6) }, () => [`x${word(names, 8)}`, word(values, 20)] as const);
    const bytes = writeHead("GET / HTTP/1.1", [["Host", "h"], ...fields]);
    const read = readHead(fuzz.split(concat(bytes, fuzz.bytes(fuzz.below(9)))), 1, parseRequest);
    assert(read && "head" in read);
    const expected = fields.map(([name, value]) => [name.toLowerCase(), value.replace(/^[ \t]+|[ \t]+$/g, "")]);
    assertEquals([...read.head.headers], [["host", "h"], ...expected]);
  }
});

test("what is sent is received, whatever the fragments and the split", () => {
  const fuzz = new Fuzz(seed);
  const letters = ["a", "é", "€", "𝄞", "\ud800", "\0", "\ufeff"];
  const text = () => Array.from({ length: fuzz.below(fuzz.pick([5, 150, 3000])) }, () => fuzz.pick(letters)).join("");
  for (let i = 0; i < 5000 * times; i++) {
    inputs++;
    const role = fuzz.below(2) === 0 ? "server" : "client";
    const received: (string | Uint8Array)[] = [], sent: (string | Uint8Array)[] = [];
    const ignore = { message: () => assert(false), close: () => assert(false), fail: () => assert(false) };
    const sender = new Protocol({ role, protocol: "", extensions: "" }, ignore);
    const receiver = new Protocol({ role: role === "server" ? "client" : "server", protocol: "", extensions: "" }, {
      message: (message) => void received.push(typeof message === "string" ? message : message.slice()),
      close: () => assert(false),
      fail: (error) => assert(false, error.message),
    });
    for (let messages = 1 + fuzz.below(3); messages > 0; messages--) {
      const isText = fuzz.below(2) === 0;
      const pieces: Message[] = Array.from(
        { length: 1 + fuzz.below(4) },
        () => isText ? text() : fuzz.bytes(fuzz.below(fuzz.pick([5, 200, 2500]))),
      );
      for (const [i, piece] of pieces.entries()) {
        sender.send(piece, { fin: i === pieces.length - 1 });
        if (fuzz.below(4) === 0) sender.ping(fuzz.bytes(fuzz.below(126)));
      }
      // Each piece is made well-formed by itself: a pair of surrogates that is cut in two is two lone ones
      sent.push(
        isText ? pieces.map((piece) => (piece as string).toWellFormed()).join("") : concat(...pieces as Uint8Array[]),
      );
    }
    const taken = [];
    for (let bytes; (bytes = sender.take());) taken.push(bytes.slice());
    for (const chunk of fuzz.split(concat(...taken))) receiver.receive(chunk);
    const isEqual = (a: string | Uint8Array, b: string | Uint8Array | undefined) =>
      typeof a === "string" ? a === b : b instanceof Uint8Array && decode(a) === decode(b);
    assert(
      sent.length === received.length && sent.every((message, i) => isEqual(message, received[i])),
      `FUZZ_SEED=${seed}, message ${i}`,
    );
  }
});

test("enough inputs were tried", () => {
  console.log(`${inputs} inputs, FUZZ_SEED=${seed}`);
  assert(inputs >= 200_000 * times);
});
