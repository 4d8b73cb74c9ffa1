// The client's half of a handshake for who has bytes and no connection of ours: the public face of the machine that
// connect() drives.

import { concat } from "../base/concat.ts";
import { limitOf } from "../base/options.ts";
import { sha1 } from "../base/sha1.ts";
import type { HandshakeError, ResponseHead } from "../errors/handshake_error.ts";
import { endedBefore, endedInHead, type Problem } from "../errors/problem.ts";
import { toResponse } from "../http/response.ts";
import type { Agreement } from "../protocol/agreement.ts";
import { ClientMachine } from "./client_machine.ts";
import { handshakeFailed } from "./confirm.ts";
import { checkOfferOptions, draftOffer, type OfferOptions } from "./offer.ts";

/**
 * Options of a {@linkcode ClientHandshake}.
 *
 * @example A token, and a small head
 * ```ts
 * import { ClientHandshake, type ClientHandshakeOptions } from "@handfast/websocket/protocol";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const options: ClientHandshakeOptions = { headers: { authorization: "Bearer 42" }, maxHeadSize: 100 };
 * const handshake = new ClientHandshake("wss://localhost/", options);
 * assert(new TextDecoder().decode(handshake.take()).includes("\r\nAuthorization: Bearer 42\r\n"));
 *
 * handshake.receive(new TextEncoder().encode("HTTP/1.1 101 ".padEnd(100, "x")));
 * assertEquals(handshake.error?.failure, "head-too-large");
 * ```
 */
export interface ClientHandshakeOptions extends OfferOptions {
  /**
   * The largest response head, in bytes. A head may have 128 fields at most.
   *
   * @default {16384}
   */
  maxHeadSize?: number | undefined;
}

/**
 * A client's handshake without I/O (RFC 6455 §4.1): send what `take()` gives, and push the server's bytes in with
 * `receive()`. It is synchronous and has no clock; its only randomness is the key.
 *
 * @example A server that refuses
 * ```ts
 * import { ClientHandshake } from "@handfast/websocket/protocol";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const handshake = new ClientHandshake("ws://localhost/chat");
 * assert(new TextDecoder().decode(handshake.take()).startsWith("GET /chat HTTP/1.1\r\nHost: localhost\r\n"));
 * for (const line of ["HTTP/1.1 401 Unauthorized\r\n", "Content-Length: 2\r\n", "\r\nNo"]) {
 *   assertEquals(handshake.state, "reading");
 *   handshake.receive(new TextEncoder().encode(line));
 * }
 *
 * assertEquals([handshake.state, handshake.error?.failure], ["failed", "status-not-101"]);
 * assertEquals([handshake.response?.status, new TextDecoder().decode(handshake.rest)], [401, "No"]);
 * ```
 */
export class ClientHandshake {
  readonly #machine: ClientMachine;
  #request: Uint8Array<ArrayBuffer> | undefined;
  #error: HandshakeError | undefined;
  /** What has come since the head was whole. */
  readonly #behind: Uint8Array[] = [];

  /**
   * Makes the request, with a new random key.
   *
   * @param url A `ws:`, `wss:`, `http:` or `https:` URL. User and password become Basic authentication.
   * @param options Subprotocols, header fields, compression, and a limit.
   * @throws {DOMException} `SyntaxError` when the URL or the subprotocols can't be used.
   * @throws {TypeError} When a header field must not be set, or an option is wrong.
   * @throws {RangeError} When a number among the options is out of its range.
   */
  constructor(url: string | URL, options: ClientHandshakeOptions = {}) {
    const offer = draftOffer(url, checkOfferOptions(options));
    this.#machine = new ClientMachine(offer, limitOf(options, "maxHeadSize"), sha1);
    this.#request = this.#machine.writeRequest();
  }

  /** `"reading"` until the head of the final response is whole, then `"agreed"` or `"failed"`. */
  get state(): "reading" | "agreed" | "failed" {
    return this.agreement ? "agreed" : this.#error ? "failed" : "reading";
  }

  /** The head of the final response, once it is whole. */
  get response(): ResponseHead | undefined {
    return this.#machine.head;
  }

  /** What is agreed on: a `Protocol` goes on from here. */
  get agreement(): Agreement | undefined {
    return this.#machine.agreement;
  }

  /** Why the handshake has failed. Its `response` is that of the server, without the body. */
  get error(): HandshakeError | undefined {
    return this.#error;
  }

  /** What has come behind the head of the response: the first frames, or the body of a refusal. */
  get rest(): Uint8Array<ArrayBuffer> {
    return concat([this.#machine.rest, ...this.#behind]);
  }

  /**
   * Takes what is to be sent.
   *
   * @returns The request, once; then `undefined`.
   */
  take(): Uint8Array<ArrayBuffer> | undefined {
    const request = this.#request;
    this.#request = undefined;
    return request;
  }

  /**
   * Reads the next bytes of the server. Interim responses are skipped (RFC 9110 §15.2). Behind the head of the final
   * response nothing is looked at: it is the `rest`.
   *
   * @param chunk The bytes, cut anywhere. They must not change any more.
   */
  receive(chunk: Uint8Array<ArrayBuffer>): void {
    if (this.state !== "reading") this.#behind.push(chunk);
    else if (this.#machine.receive(chunk) && this.#machine.problem) this.#fail(this.#machine.problem);
  }

  /** The server has ended the connection: without a whole head the handshake has failed. */
  end(): void {
    if (this.state !== "reading") return;
    const { failure, message } = this.#machine.started ? endedInHead() : endedBefore("a response");
    this.#fail({ failure, detail: message });
  }

  #fail(problem: Problem): void {
    const { head, offer: { request } } = this.#machine;
    const read = head && { response: toResponse(head, null), truncated: head.body !== 0 };
    this.#error = handshakeFailed(problem, { request, ...read });
  }
}
