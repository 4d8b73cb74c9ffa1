// Chunks to the head of the final response (RFC 9110 §15.2): collects heads, and skips those of interim responses. No I/O:
// whoever has bytes pushes them in.

import type { Problem } from "../errors/problem.ts";
import { HeadReader } from "./head_reader.ts";
import { type ParsedResponse, parseResponse } from "./response_head.ts";

/** How many interim responses (1xx) may come before the final one. */
const MAX_INTERIM = 16;

const EMPTY = new Uint8Array();

/** Reads heads up to the one of the final response; a 101 is final. */
export class ResponseReader {
  readonly #maxHeadSize: number;
  readonly #method: string;
  #reader: HeadReader;
  #interim = 0;
  /** What came behind the head, once that is whole. */
  rest: Uint8Array = EMPTY;

  /**
   * @param maxHeadSize The largest head, in bytes.
   * @param method That of the request: it decides whether there is a body.
   */
  constructor(maxHeadSize: number, method = "GET") {
    this.#maxHeadSize = maxHeadSize;
    this.#method = method;
    this.#reader = new HeadReader(maxHeadSize, 0);
  }

  /** Whether a byte has come of the head that is read, which may be that of an interim response. */
  get started(): boolean {
    return this.#reader.started;
  }

  /** Takes the next chunk; `undefined` while no final head is whole. */
  push(chunk: Uint8Array): ParsedResponse | Problem | undefined {
    for (let bytes = chunk; bytes.length > 0;) {
      const read = this.#reader.push(bytes);
      if (!read || "failure" in read) return read;
      const head = parseResponse(read.head, this.#method);
      if ("failure" in head || head.status === 101 || head.status >= 200) {
        this.rest = read.rest;
        return head;
      }
      if (this.#interim++ === MAX_INTERIM) {
        return { failure: "head-malformed", detail: `there are more than ${MAX_INTERIM} interim responses` };
      }
      this.#reader = new HeadReader(this.#maxHeadSize, 0);
      bytes = read.rest;
    }
    return undefined;
  }
}
