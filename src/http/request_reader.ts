// Chunks to the head of a request: collects it, and parses it once it is whole. No I/O: whoever has bytes pushes them in.

import type { Problem } from "../errors/problem.ts";
import { HeadReader } from "./head_reader.ts";
import { type ParsedRequest, parseRequest } from "./request_head.ts";

const EMPTY = new Uint8Array();

/** Reads the head of one request. */
export class RequestReader {
  readonly #reader: HeadReader;
  readonly #isSecure: boolean;
  /** What came behind the head, once that is whole. */
  rest: Uint8Array = EMPTY;

  /**
   * @param maxHeadSize The largest head, in bytes.
   * @param isSecure Whether it comes over TLS: then its URL has the scheme https.
   */
  constructor(maxHeadSize: number, isSecure = false) {
    this.#reader = new HeadReader(maxHeadSize, 1);
    this.#isSecure = isSecure;
  }

  /** Whether a byte has come. */
  get started(): boolean {
    return this.#reader.started;
  }

  /** Takes the next chunk; `undefined` while the head is not whole. */
  push(chunk: Uint8Array): ParsedRequest | Problem | undefined {
    const read = this.#reader.push(chunk);
    if (!read || "failure" in read) return read;
    this.rest = read.rest;
    return parseRequest(read.head, this.#isSecure);
  }
}
