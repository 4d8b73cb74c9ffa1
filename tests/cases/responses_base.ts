// What a row about the answer to an upgrade request is, and how its bytes are put together: a valid 101, varied.
// A row's bytes are latin-1, with `{accept}` and its like where a value belongs that depends on the key.

import type { CompressionOptions, DeflateAgreement } from "../../src/protocol/compression_options.ts";

/** What the client says of an answer: `agreed`, or the failure. */
export type ResponseOutcome =
  | "agreed"
  | "head-malformed"
  | "head-too-large"
  | "http-version-unsupported"
  | "status-not-101"
  | "upgrade-missing"
  | "connection-missing"
  | "accept-missing"
  | "accept-mismatch"
  | "extension-unrequested"
  | "extension-malformed"
  | "protocol-unrequested"
  | "protocol-missing"
  | "connection-closed";

export interface ResponseRow {
  /** The criterion. */
  readonly name: string;
  /** The clause it comes from. */
  readonly section: string;
  /**
   * Everything the server writes up to the end of the head and of a refusal's body. The test puts in the place of
   * `{accept}` the right Sec-WebSocket-Accept, of `{accept-lower}` the same in lower case, of `{key}` the key.
   */
  readonly bytes: string;
  /** What the client has offered. */
  readonly offer?: { readonly protocols?: readonly string[]; readonly compression?: true | CompressionOptions };
  readonly options?: { readonly maxHeadSize?: number; readonly maxBodySize?: number };
  readonly expect: ResponseOutcome;
  /** The subprotocol that is agreed on. */
  readonly protocol?: string;
  /** What is agreed on about compression, with the element as it came. */
  readonly deflate?: DeflateAgreement;
  readonly extensions?: string;
  /** The status of the answer that was refused. */
  readonly status?: number;
  /** The body of the answer that was refused, as it must be read. */
  readonly body?: string;
  /** What follows the bytes on the wire, and must come out untouched when the answer is agreed to. */
  readonly rest?: string;
  /** The server ends its side behind the bytes. */
  readonly closes?: true;
}

type Common = Pick<ResponseRow, "section" | "expect"> & Partial<ResponseRow>;
type Short = readonly [criterion: string, bytes: string, more?: Partial<ResponseRow>];

/** Rows that have something in common; what a row says of itself goes before. */
export function rows(common: Common, list: readonly Short[]): ResponseRow[] {
  return list.map(([criterion, bytes, more = {}]) => {
    const verb = (more.expect ?? common.expect) === "agreed" ? "agrees to" : "refuses";
    return { ...common, ...more, name: `${verb} ${criterion}`, bytes };
  });
}

const FIELDS = { Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Accept": "{accept}" };

/** The length of the value that `{accept}` stands for. */
const ACCEPT_LENGTH = 28;

/** Fields changed, added, sent as several lines, or left out (`null`). */
export type Changes = Readonly<Record<string, string | readonly string[] | null>>;

/** A head of any kind. */
export function head(line: string, fields: Changes = {}): string {
  const lines = Object.entries(fields).flatMap(([name, value]) =>
    (value === null ? [] : [value].flat()).map((value) => `${name}: ${value}\r\n`)
  );
  return `${line}\r\n${lines.join("")}\r\n`;
}

/** A valid answer, but for the changes. */
export function switching(changes: Changes = {}, line = "HTTP/1.1 101 Switching Protocols"): string {
  return head(line, { ...FIELDS, ...changes });
}

/** A valid answer, but for raw text where another field line could be. */
export function insert(raw: string): string {
  return switching().slice(0, -2) + raw + "\r\n";
}

/** A valid answer whose head has exactly so many bytes, filled up by a field. */
export function sized(size: number): string {
  const least = insert("x: \r\n").length - "{accept}".length + ACCEPT_LENGTH;
  return insert(`x: ${"a".repeat(size - least)}\r\n`);
}

/** A valid answer of exactly so many field lines. */
export function crowded(count: number): string {
  return insert("x:1\r\n".repeat(count - Object.keys(FIELDS).length));
}
