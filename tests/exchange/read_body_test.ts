import { assertEquals, assertRejects } from "@std/assert";
import { readBody } from "../../src/exchange/read_body.ts";
import { ByteBuilder } from "../../src/base/byte_builder.ts";
import { connectionPair, fakeClock } from "../../src/testing.ts";
import { transportOf } from "../../src/runtime/choose.ts";
import { Exchange } from "../../src/exchange/exchange.ts";
import { ExchangeError } from "../../src/errors/problem.ts";
import { concat, everySplit, latin1, test, text } from "../kit/harness.ts";
import { RawPeer } from "../kit/raw_peer.ts";

/** What is wrong with a body, or whether it is whole. */
type Verdict = boolean | "body-malformed" | "connection-closed";

interface Row {
  readonly name: string;
  readonly length: number | "chunked" | "end";
  readonly bytes: string;
  readonly limit?: number;
  readonly verdict: Verdict;
  readonly body: string;
  /** What follows it, where that is known. */
  readonly rest?: string;
}

const LINE = 4096, TRAILERS = 128;
const trailers = (count: number) => `a: ${"b".repeat(100)}\r\n`.repeat(count);

const ROWS: readonly Row[] = [
  { name: "a length of 0", length: 0, bytes: "x", verdict: true, body: "", rest: "x" },
  { name: "a length", length: 3, bytes: "abcx", verdict: true, body: "abc", rest: "x" },
  { name: "exactly the limit", length: 3, bytes: "abcx", limit: 3, verdict: true, body: "abc", rest: "x" },
  { name: "a length above the limit", length: 4, bytes: "abcd", limit: 3, verdict: false, body: "abc", rest: "d" },
  { name: "an end before the length", length: 3, bytes: "ab", verdict: "connection-closed", body: "ab" },
  { name: "the end", length: "end", bytes: "abc", verdict: true, body: "abc", rest: "" },
  { name: "the end at once", length: "end", bytes: "", verdict: true, body: "", rest: "" },
  { name: "an end at exactly the limit", length: "end", bytes: "abc", limit: 3, verdict: true, body: "abc" },
  { name: "more than the limit before the end", length: "end", bytes: "abcd", limit: 3, verdict: false, body: "abc" },
  {
    name: "chunks",
    length: "chunked",
    bytes: "1\r\na\r\n2;x\r\nbc\r\n0\r\n\r\nx",
    verdict: true,
    body: "abc",
    rest: "x",
  },
  // RFC 9112 §7.1.1: chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
  ...[
    ";a",
    ";a;b",
    " ; a",
    "\t;\ta\t=\tb",
    ";a=b;c",
    ';a=""',
    ';a="b;c=\\"d\\""',
    ';a = "b c\t\xe9" ; d',
  ].map((extensions): Row => ({
    name: `the chunk extensions ${JSON.stringify(extensions)}`,
    length: "chunked",
    bytes: `1${extensions}\r\na\r\n0${extensions}\r\n\r\nx`,
    verdict: true,
    body: "a",
    rest: "x",
  })),
  ...[
    " ",
    "\t",
    ";",
    "; ",
    ";;",
    ";a;",
    ";a ",
    ";a; ",
    ";=a",
    ";a=",
    ";a=;b",
    ";a b",
    ";a)b",
    ";a=b c",
    ';a="',
    ';a="b',
    ';a="b\\"',
    ';a="b"c',
    ";a=\0",
    ';a="\0"',
    " a",
    "x",
    ",a",
  ].flatMap((extensions): Row[] =>
    [["1", "", "a chunk"], ["1\r\na\r\n0", "a", "the last chunk"]].map(([before, body, which]) => ({
      name: `the malformed extensions ${JSON.stringify(extensions)} of ${which}`,
      length: "chunked",
      bytes: `${before}${extensions}\r\na\r\n\r\n`,
      verdict: "body-malformed",
      body: body!,
    }))
  ),
  {
    name: "chunks of exactly the limit",
    length: "chunked",
    bytes: "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
    limit: 3,
    verdict: true,
    body: "abc",
  },
  {
    name: "chunks above the limit",
    length: "chunked",
    bytes: "1\r\na\r\n3\r\nbcd",
    limit: 3,
    verdict: false,
    body: "abc",
  },
  { name: "a chunk above a limit of 0", length: "chunked", bytes: "1\r\na", limit: 0, verdict: false, body: "" },
  { name: "no chunk under a limit of 0", length: "chunked", bytes: "0\r\n\r\n", limit: 0, verdict: true, body: "" },
  { name: "trailers", length: "chunked", bytes: "0\r\na: b\r\nc:\r\n\r\nx", verdict: true, body: "", rest: "x" },
  {
    name: "sizes with zeros before them",
    length: "chunked",
    bytes: "0000000001\r\na\r\n00000000000000000a;x\r\nbcdefghijk\r\n000000000000\r\n\r\nx",
    verdict: true,
    body: "abcdefghijk",
    rest: "x",
  },
  ...["GET / HTTP/1.1", "a", " a: b", "a : b", ": b", "a: b\0"].map((trailer): Row => ({
    name: `${JSON.stringify(trailer)} as a trailer`,
    length: "chunked",
    bytes: `1\r\na\r\n0\r\n${trailer}\r\n\r\n`,
    verdict: "body-malformed",
    body: "a",
  })),
  { name: "the longest line", length: "chunked", bytes: `0;${"a".repeat(LINE - 4)}\r\n\r\n`, verdict: true, body: "" },
  {
    name: "a line that is too long",
    length: "chunked",
    bytes: `0;${"a".repeat(LINE - 3)}\r\n\r\n`,
    verdict: "body-malformed",
    body: "",
  },
  {
    name: "as many trailers as fields may be",
    length: "chunked",
    bytes: `0\r\n${trailers(TRAILERS)}\r\n`,
    verdict: true,
    body: "",
  },
  {
    name: "one trailer too many",
    length: "chunked",
    bytes: `0\r\n${trailers(TRAILERS + 1)}\r\n`,
    verdict: "body-malformed",
    body: "",
  },
  {
    name: "a chunk that is longer than it says",
    length: "chunked",
    bytes: "1\r\nab\r\n0\r\n\r\n",
    verdict: "body-malformed",
    body: "a",
  },
  {
    name: "a chunk without CRLF behind it",
    length: "chunked",
    bytes: "1\r\na\n0\r\n\r\n",
    verdict: "body-malformed",
    body: "a",
  },
  {
    name: "CR CR LF behind a size",
    length: "chunked",
    bytes: "1\r\r\na\r\n0\r\n\r\n",
    verdict: "body-malformed",
    body: "",
  },
  { name: "an end inside a size", length: "chunked", bytes: "1\r", verdict: "connection-closed", body: "" },
  { name: "an end inside a chunk", length: "chunked", bytes: "3\r\nab", verdict: "connection-closed", body: "ab" },
  { name: "an end behind a chunk", length: "chunked", bytes: "2\r\nab\r\n", verdict: "connection-closed", body: "ab" },
  {
    name: "an end inside the trailers",
    length: "chunked",
    bytes: "0\r\na: b\r\n",
    verdict: "connection-closed",
    body: "",
  },
];

for (const { name, length, bytes, limit = 1000, verdict, body, rest } of ROWS) {
  test(`readBody() by ${name}, wherever it is cut`, async () => {
    await everySplit(latin1(bytes), async ([prefix, ...chunks]) => {
      const [far, conn] = connectionPair(), peer = new RawPeer(far);
      peer.write(concat(...chunks));
      peer.end();
      const exchange = new Exchange(transportOf(conn), { clock: fakeClock(), timeout: 0, prefix });
      const gathered = new ByteBuilder();
      const reading = readBody(exchange, length, limit, gathered);
      if (verdict === "connection-closed") {
        assertEquals((await assertRejects(() => reading, ExchangeError)).failure, verdict);
      } else {
        const read = await reading;
        assertEquals(typeof read === "boolean" ? read : read.failure, verdict);
      }
      assertEquals(text(gathered.take()), body);
      if (rest !== undefined) {
        const left: string[] = [];
        for (let chunk; (chunk = await exchange.read());) left.push(text(chunk));
        assertEquals(left.join(""), rest);
      }
      exchange.abort();
    });
  });
}
