// Plays a case over a TCP connection of its own: the upgrade, then the case's turns, each a write and the answers to it.
// A case passes when the answers are exactly those expected, the server's Close frame is the last of them, the end of the
// stream follows it (RFC 6455 §5.5.1), and the server has read on to our own end, discarding the rest (§7.1.1).
// Extensions are never offered here, so every reserved bit stays reserved.

import { dialRaw, type RawConn } from "../kit/tcp.ts";
import type { Case, Turn } from "./case.ts";
import { Pulse } from "./pulse.ts";
import { CLOSE, close, codeOf, describe, encode, type Frame, Misstep, Reader } from "./wire.ts";

/** What a failure tells of its case. */
export type Titled = Pick<Case, "id" | "name" | "section">;

export interface Failure {
  readonly row: Titled;
  readonly expected: string;
  readonly got: string;
}

/**
 * How long a case may take, in milliseconds. Shorter than the ten seconds a server usually grants to a closing handshake,
 * so that a server which only closes when that time is over fails.
 */
const DEADLINE = 8_000;

// The key and its answer are the pair worked out in RFC 6455 §1.3.
const UPGRADE = [
  "GET / HTTP/1.1",
  "Host: 127.0.0.1",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
];
const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/** A connection on which a case is played. */
export interface Attempt {
  readonly conn: RawConn;
  readonly reader: Reader;
  /** The response to the upgrade. */
  head: string;
  /** What the server has to do next. */
  expected: string;
  /** What is being written; `false` when the connection has taken no more. */
  writing: Promise<boolean>;
  /** Begins the time that there is anew. */
  wind(): void;
}

/** Opens a connection and plays `row` on it up to the server's Close frame; resolves to `undefined` when it passes. */
export async function attempt(
  port: number,
  row: Titled,
  { deadline = DEADLINE, fields = [] }: { readonly deadline?: number; readonly fields?: readonly string[] },
  run: (attempt: Attempt) => Promise<void>,
): Promise<Failure | undefined> {
  const conn = await dialRaw(port);
  let late = false;
  const expire = () => {
    late = true;
    conn.close();
  };
  let timer = setTimeout(expire, deadline);
  const reader = new Reader((into) => conn.read(into));
  const played: Attempt = {
    conn,
    reader,
    head: "",
    expected: "101 with the accept of the key",
    writing: write(conn, new TextEncoder().encode([...UPGRADE, ...fields, "", ""].join("\r\n"))),
    wind() {
      clearTimeout(timer);
      if (!late) timer = setTimeout(expire, deadline);
    },
  };
  try {
    const head = played.head = await reader.head();
    if (!head.startsWith("HTTP/1.1 101 ") || !head.includes(ACCEPT)) throw new Misstep(head);
    await run(played);
    played.expected = "the end of the stream";
    const rest = await reader.rest();
    if (rest > 0) throw new Misstep(`${rest} more octets behind the Close frame`);
    played.expected = "the server to read to our end";
    if (!await played.writing) throw new Misstep("a reset while the client was still sending");
    return undefined;
  } catch (error) {
    const { expected } = played;
    if (late) return { row, expected, got: `nothing more within ${deadline} ms` };
    if (error instanceof Misstep) return { row, expected, got: error.message };
    if ((error as { code?: unknown }).code === "ECONNRESET") return { row, expected, got: "a reset" };
    throw error;
  } finally {
    clearTimeout(timer);
    if (!late) conn.close();
    // In a case that failed something may still be on its way out: only now is it over for certain.
    await played.writing;
  }
}

/** Plays `row` against the server at `port` of 127.0.0.1; resolves to `undefined` when it passes. */
export async function play(port: number, row: Case, deadline: number = DEADLINE): Promise<Failure | undefined> {
  using pulse = row.chop === undefined ? undefined : await Pulse.open();
  return await attempt(port, row, { deadline }, async (attempt) => {
    for (const turn of closing(row.turns)) {
      await attempt.writing;
      attempt.writing = write(attempt.conn, encode(turn.send), { ...turn, chop: row.chop, pulse });
      for (const wanted of turn.expect) {
        attempt.expected = describe(wanted);
        const difference = compare(wanted, await attempt.reader.next());
        if (difference) throw new Misstep(difference);
      }
    }
  });
}

/** The turns of a case, and the closing handshake behind them if they have none: it shows that nothing else was sent. */
function closing(turns: readonly Turn[]): readonly Turn[] {
  const closes = turns.at(-1)?.expect.at(-1)?.opcode === CLOSE;
  return closes ? turns : [...turns, { send: [close(1000)], expect: [close(1000)] }];
}

interface Manner {
  readonly chop?: number | undefined;
  readonly pulse?: Pulse | undefined;
  readonly end?: boolean;
}

/**
 * Writes all of `bytes`; resolves to `false` when the connection takes no more. That alone is no failure: what is read from
 * the connection is looked at first.
 */
export async function write(conn: RawConn, bytes: Uint8Array, { chop, pulse, end }: Manner = {}): Promise<boolean> {
  const most = chop ?? bytes.length;
  const writes = (step: Promise<void>) => step.then(() => true, () => false);
  for (let at = 0; at < bytes.length;) {
    if (at > 0) await pulse?.beat();
    const piece = bytes.subarray(at, at + most - at % most);
    if (!await writes(conn.write(piece))) return false;
    at += piece.length;
  }
  return !end || await writes(conn.closeWrite());
}

/** What is wrong with `got`; `undefined` when it is what was `wanted`. */
export function compare(wanted: Frame, got: Frame): string | undefined {
  if (got.opcode === CLOSE) {
    // An empty Close frame may be answered by one with the code of a normal closure.
    const allowed = wanted.opcode === CLOSE ? [codeOf(wanted.payload), codeOf(wanted.payload) ?? 1000] : [];
    if (!allowed.includes(codeOf(got.payload))) return describe(got);
    if (got.payload.length === 1) return "Close with a payload of one octet";
    return isText(got.payload.subarray(2)) ? undefined : `${describe(got)} with a reason that is not UTF-8`;
  }
  if (got.opcode !== wanted.opcode || got.payload.length !== wanted.payload.length) return describe(got);
  for (let at = 0; at < got.payload.length; at++) {
    if (got.payload[at] !== wanted.payload[at]) return `${describe(got)} (differs at octet ${at})`;
  }
  return undefined;
}

function isText(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
