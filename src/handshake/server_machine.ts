// The server's handshake as a machine that is pushed (RFC 6455 §4.2): chunks to a request, the request to a decision, the
// decision to the bytes of the answer. It does not say who decides: a door of ours asks its server and its policy between
// the steps, `ServerHandshake` asks whoever drives it.

import { concat } from "../base/concat.ts";
import type { RequestHead } from "../errors/handshake_error.ts";
import type { Problem } from "../errors/problem.ts";
import { expectsContinue } from "../http/request_head.ts";
import type { RequestReader } from "../http/request_reader.ts";
import { CONTINUE, writeHead } from "../http/write_head.ts";
import { acceptValue, type Sha1 } from "./accept_value.ts";
import type { CheckedAnswerOptions } from "./answer_options.ts";
import { type Acceptance, agree, judgeRequest, keyOf } from "./decide.ts";
import { type Refusal, refuse, refuseWith } from "./refusal.ts";

/** One handshake. */
export class ServerMachine {
  readonly options: CheckedAnswerOptions;
  readonly #reader: RequestReader;
  /** The request, once its head is read. */
  request: RequestHead | undefined;
  /** The subprotocol of a request that was judged. */
  #protocol = "";
  /** What is agreed on; or the refusal, once there is one. */
  acceptance: Acceptance | undefined;
  refusal: Refusal | undefined;

  /** @param request A request that was read already. */
  constructor(options: CheckedAnswerOptions, reader: RequestReader, request?: RequestHead) {
    this.options = options;
    this.#reader = reader;
    this.request = request;
  }

  /** Whether a byte of the request has come. */
  get started(): boolean {
    return this.request !== undefined || this.#reader.started;
  }

  /** What came behind the head of the request. */
  get rest(): Uint8Array {
    return this.#reader.rest;
  }

  /** Takes the next chunk; `undefined` while the head is not whole. */
  receive(chunk: Uint8Array): RequestHead | Problem | undefined {
    const read = this.#reader.push(chunk);
    if (read && !("failure" in read)) this.request = read;
    return read;
  }

  /** Judges the request. Without a refusal it may be agreed to. */
  judge(): void {
    const judged = judgeRequest(this.request!, this.options);
    if (typeof judged === "string") this.#protocol = judged;
    else this.refusal = judged;
  }

  /** Refuses, for what is wrong with the head, or speaks against the request. */
  refuse(problem: Problem): void {
    this.refusal = refuse(problem, this.options.headers, this.request);
  }

  /** Refuses with a response of the caller's. */
  refuseWith(response: Response): void {
    this.refusal = refuseWith(response, this.options.headers, this.request!);
  }

  /** Agrees to a request that was judged. */
  agree(sha1: Sha1): void {
    const request = this.request!;
    this.acceptance = agree(request, this.#protocol, acceptValue(keyOf(request), sha1), this.options);
  }

  /** The 101, behind the 100 of a client that waits for one (RFC 9110 §7.8, §10.1.1). */
  writeAcceptance(): Uint8Array<ArrayBuffer> {
    const head = writeHead("HTTP/1.1 101 Switching Protocols", this.acceptance!.head.fields);
    return expectsContinue(this.request!) ? concat([CONTINUE, head]) : head;
  }
}
