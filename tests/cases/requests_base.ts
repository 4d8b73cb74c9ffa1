// What a row about an upgrade request is, and how its bytes are put together: a valid request, varied.
// A row's bytes are latin-1. They are written to the server with `rest` behind them; the server accepts or refuses.

import type { CompressionOptions, DeflateAgreement } from "../../src/protocol/compression_options.ts";

/** What the server says of a request: `upgrade`, or the failure. */
export type RequestOutcome = "upgrade" | keyof typeof REFUSALS;

export interface RequestRow {
  /** The criterion. */
  readonly name: string;
  /** The clause it comes from. */
  readonly section: string;
  /** The head. */
  readonly bytes: string;
  /** What follows the head on the wire, and must come out untouched when the head is accepted. */
  readonly rest?: string;
  /** The client ends its side behind the bytes. */
  readonly closes?: true;
  readonly expect: RequestOutcome;
  /** The status of the answer; absent when nothing is answered. */
  readonly status?: number;
  /** Statuses of the interim answers in front of it. */
  readonly interim?: readonly number[];
  /** What the answer must carry, as a member of the field's list; `null`: the field must not be there. */
  readonly fields: Readonly<Record<string, string | null>>;
  readonly options?: RequestOptions;
  /** `"request"`: a standard `Request` of this method, URL and fields fares alike; `"bytes"`: only a head shows it. */
  readonly evidence: "bytes" | "request";
  /** What the accepted request's `url` must be. */
  readonly url?: string;
  /** What must be agreed about compression. */
  readonly deflate?: DeflateAgreement;
}

export interface RequestOptions {
  readonly protocols?: readonly string[];
  readonly origins?: "same-host" | "any" | readonly (string | RegExp)[];
  readonly maxHeadSize?: number;
  readonly compression?: boolean | CompressionOptions;
}

const UPGRADE_REQUIRED = { status: 426, fields: { Upgrade: "websocket", Connection: "Upgrade" } };
const BAD_REQUEST = { status: 400, fields: {} };

/** The answer to each failure. */
const REFUSALS = {
  "head-malformed": BAD_REQUEST,
  "head-too-large": { status: 431, fields: {} },
  "http-version-unsupported": { status: 505, fields: {} },
  "method-not-get": { status: 405, fields: { Allow: "GET" } },
  "host-missing": BAD_REQUEST,
  "host-invalid": BAD_REQUEST,
  "body-present": BAD_REQUEST,
  "upgrade-missing": UPGRADE_REQUIRED,
  "connection-missing": UPGRADE_REQUIRED,
  "key-missing": BAD_REQUEST,
  "key-invalid": BAD_REQUEST,
  "version-missing": { status: 400, fields: { "Sec-WebSocket-Version": "13" } },
  "version-unsupported": { status: 426, fields: { ...UPGRADE_REQUIRED.fields, "Sec-WebSocket-Version": "13" } },
  "protocol-malformed": BAD_REQUEST,
  "extension-malformed": BAD_REQUEST,
  "origin-refused": { status: 403, fields: {} },
  "connection-closed": { fields: {} },
} as const;

/** The answer to the request below, when nothing but the handshake is agreed on. */
const SWITCHING = {
  status: 101,
  fields: {
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    "Sec-WebSocket-Protocol": null,
    "Sec-WebSocket-Extensions": null,
  },
};

type Common = Pick<RequestRow, "section" | "expect" | "evidence"> & Partial<RequestRow>;
type Short = readonly [criterion: string, bytes: string, more?: Partial<RequestRow>];

/** Rows that have something in common; what a row says of itself goes before. */
export function rows(common: Common, list: readonly Short[]): RequestRow[] {
  return list.map(([criterion, bytes, more = {}]) => {
    const expect = more.expect ?? common.expect;
    const answer = expect === "upgrade" ? SWITCHING : REFUSALS[expect];
    const fields = { ...answer.fields, ...common.fields, ...more.fields };
    const name = `${expect === "upgrade" ? "accepts" : "refuses"} ${criterion}`;
    return { ...answer, ...common, ...more, name, bytes, fields };
  });
}

/** The key of RFC 6455 §1.3. */
export const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

export const LINE = "GET /chat HTTP/1.1";

const FIELDS = {
  Host: "server.example.com",
  Upgrade: "websocket",
  Connection: "Upgrade",
  "Sec-WebSocket-Key": KEY,
  "Sec-WebSocket-Version": "13",
};

/** Fields changed, added, sent as several lines, or left out (`null`). */
export type Changes = Readonly<Record<string, string | readonly string[] | null>>;

/** A valid upgrade request, but for the changes. */
export function upgrade(changes: Changes = {}, line: string = LINE): string {
  const lines = Object.entries<Changes[string]>({ ...FIELDS, ...changes }).flatMap(([name, value]) =>
    (value === null ? [] : [value].flat()).map((value) => `${name}: ${value}\r\n`)
  );
  return `${line}\r\n${lines.join("")}\r\n`;
}

/** A valid upgrade request, but for its request line. */
export function line(text: string): string {
  return upgrade({}, text);
}

/** A valid upgrade request, but for raw text where another field line could be. */
export function insert(raw: string): string {
  return upgrade().slice(0, -2) + raw + "\r\n";
}

/** A valid upgrade request of exactly so many bytes, filled up by a field. */
export function sized(size: number): string {
  return insert(`x: ${"a".repeat(size - insert("x: \r\n").length)}\r\n`);
}

/** A valid upgrade request of exactly so many field lines. */
export function crowded(count: number): string {
  return insert("x:1\r\n".repeat(count - Object.keys(FIELDS).length));
}
