// The client's handshake as a machine that is pushed (RFC 6455 §4.1): an offer to the bytes of the request, chunks to a
// response, the response to an agreement or to what is wrong with it.

import type { Problem } from "../errors/problem.ts";
import type { ParsedResponse } from "../http/response_head.ts";
import { ResponseReader } from "../http/response_reader.ts";
import { writeHead } from "../http/write_head.ts";
import type { Agreement } from "../protocol/agreement.ts";
import { acceptValue, type Sha1 } from "./accept_value.ts";
import { judgeResponse } from "./confirm.ts";
import type { OfferDraft } from "./offer.ts";

/** One handshake. */
export class ClientMachine {
  readonly offer: OfferDraft;
  readonly #reader: ResponseReader;
  readonly #sha1: Sha1;
  /** The head of the final response, once it is whole. */
  head: ParsedResponse | undefined;
  /** What is agreed on; or what is wrong, once that is known. */
  agreement: Agreement | undefined;
  problem: Problem | undefined;

  constructor(offer: OfferDraft, maxHeadSize: number, sha1: Sha1) {
    this.offer = offer;
    this.#reader = new ResponseReader(maxHeadSize);
    this.#sha1 = sha1;
  }

  /** Whether a byte of the head that is awaited has come. */
  get started(): boolean {
    return this.#reader.started;
  }

  /** What came behind the head of the response. */
  get rest(): Uint8Array {
    return this.#reader.rest;
  }

  writeRequest(): Uint8Array<ArrayBuffer> {
    return writeHead(`GET ${this.offer.target} HTTP/1.1`, this.offer.fields);
  }

  /** Takes the next chunk; `false` while no final head is whole. */
  receive(chunk: Uint8Array): boolean {
    const read = this.#reader.push(chunk);
    if (!read) return false;
    if ("failure" in read) this.problem = read;
    else this.#judge(this.head = read);
    return true;
  }

  #judge(head: ParsedResponse): void {
    const verdict = judgeResponse(this.offer, head, acceptValue(this.offer.key, this.#sha1));
    if ("failure" in verdict) this.problem = verdict;
    else this.agreement = verdict;
  }
}
