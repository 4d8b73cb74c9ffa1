// The server's half of a handshake for who has bytes and no connection of ours: the public face of the machine that the
// doors drive.

import { concat } from "../base/concat.ts";
import { checkBoolean, limitOf } from "../base/options.ts";
import { sha1 } from "../base/sha1.ts";
import { HandshakeError, type RequestHead } from "../errors/handshake_error.ts";
import { endedBefore, endedInHead } from "../errors/problem.ts";
import { RequestReader } from "../http/request_reader.ts";
import type { ParsedRequest } from "../http/request_head.ts";
import { checkResponse, fieldsToSend, hasNoBody, statusLine } from "../http/response.ts";
import { writeHead } from "../http/write_head.ts";
import type { Agreement } from "../protocol/agreement.ts";
import { type AnswerOptions, checkAnswerOptions } from "./answer_options.ts";
import type { HeadersInit } from "./decorator.ts";
import { isReusable, refusalBody } from "./refusal.ts";
import { ServerMachine } from "./server_machine.ts";

/**
 * Options of a {@linkcode ServerHandshake}.
 *
 * @example Any page may come, in small heads
 * ```ts
 * import { ServerHandshake, type ServerHandshakeOptions } from "@handfast/websocket/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * const options: ServerHandshakeOptions = { origins: "any", maxHeadSize: 100 };
 * const handshake = new ServerHandshake(options);
 * handshake.receive(new TextEncoder().encode(`GET /${"x".repeat(100)} HTTP/1.1\r\n`));
 *
 * assertEquals(handshake.error?.failure, "head-too-large");
 * ```
 */
export interface ServerHandshakeOptions
  extends Pick<AnswerOptions, "protocols" | "origins" | "headers" | "compression"> {
  /**
   * The largest request head, in bytes. A head may have 128 fields at most.
   *
   * @default {16384}
   */
  maxHeadSize?: number | undefined;
  /**
   * Whether the bytes come over TLS: then the URL of the request has the scheme https.
   *
   * @default {false}
   */
  isSecure?: boolean | undefined;
  /**
   * Whether a refusal lets the connection stay open, where the request allows it: then `error.reusable` is `true`, and
   * another handshake may begin with `error.rest`.
   *
   * @default {false}
   */
  keepAlive?: boolean | undefined;
}

/**
 * What a refusal says beside its status.
 *
 * @example A refusal in words
 * ```ts
 * import { ClientHandshake, type RefusalInit, ServerHandshake } from "@handfast/websocket/protocol";
 * import { assert } from "@std/assert";
 *
 * const server = new ServerHandshake();
 * server.receive(new ClientHandshake("ws://localhost/").take()!);
 * const init: RefusalInit = { headers: { "content-type": "text/plain" }, body: "Not on Sundays\n" };
 * server.refuse(403, init);
 *
 * const sent = new TextDecoder().decode(server.take());
 * assert(sent.startsWith("HTTP/1.1 403 Forbidden\r\n") && sent.endsWith("\r\n\r\nNot on Sundays\n"));
 * ```
 */
export interface RefusalInit {
  /** Its header fields, beside those of the option `headers`. */
  headers?: HeadersInit | undefined;
  /** Its body. */
  body?: string | Uint8Array<ArrayBuffer> | undefined;
}

const EMPTY = new Uint8Array();

/**
 * A server's handshake without I/O (RFC 6455 §4.2): push the client's bytes in with `receive()`, and send what `take()`
 * gives. When a request has come that is right, the state is `"deciding"` until you call `accept()` or `refuse()`. It is
 * synchronous and has no clock: how long the client may take is yours to say.
 *
 * @example A whole connection, from its first byte, without I/O
 * ```ts
 * import { ClientHandshake, Protocol, ServerHandshake } from "@handfast/websocket/protocol";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const client = new ClientHandshake("ws://localhost/chat", { protocols: ["v2", "v1"] });
 * const server = new ServerHandshake({ protocols: ["v1"] });
 * server.receive(client.take()!);
 * assertEquals([server.state, server.request?.target], ["deciding", "/chat"]);
 * server.accept();
 * client.receive(server.take()!);
 * assert(client.agreement && server.agreement);
 * assertEquals(client.agreement.protocol, "v1");
 *
 * const received: unknown[] = [];
 * const events = { message: (message: unknown) => void received.push(message), close() {}, fail() {} };
 * const [here, there] = [client, server].map(({ agreement }) => new Protocol(agreement!, events));
 * here!.receive(client.rest); // what has come behind the response
 * there!.receive(server.rest);
 * here!.send("Hello");
 * there!.receive(here!.take()!);
 * assertEquals(received, ["Hello"]);
 * ```
 */
export class ServerHandshake {
  readonly #machine: ServerMachine;
  readonly #keepAlive: boolean;
  #state: "reading" | "deciding" | "agreed" | "failed" = "reading";
  #error: HandshakeError | undefined;
  #bytes: Uint8Array<ArrayBuffer> | undefined;
  /** What has come since the head was whole. */
  readonly #behind: Uint8Array[] = [];

  /**
   * Starts with the first byte of a connection, or with what followed a refusal.
   *
   * @param options What to accept, and a limit.
   * @throws {TypeError} When an option is wrong.
   * @throws {RangeError} When a number among the options is out of its range.
   */
  constructor(options: ServerHandshakeOptions = {}) {
    const { protocols, origins, headers, compression } = options;
    const checked = checkAnswerOptions({ protocols, origins, headers, compression });
    const isSecure = checkBoolean("isSecure", options.isSecure, false);
    this.#machine = new ServerMachine(checked, new RequestReader(limitOf(options, "maxHeadSize"), isSecure));
    this.#keepAlive = checkBoolean("keepAlive", options.keepAlive, false);
  }

  /**
   * `"reading"` until the request is whole; `"deciding"` until it is accepted or refused; then `"agreed"`, or `"failed"`,
   * which a request that is wrong is at once.
   */
  get state(): "reading" | "deciding" | "agreed" | "failed" {
    return this.#state;
  }

  /** The request, once its head is whole. Its `target` is as the client has sent it, such as `/chat?room=7`. */
  get request(): (RequestHead & { readonly target: string }) | undefined {
    return this.#machine.request as ParsedRequest | undefined;
  }

  /** What is agreed on, once the request is accepted: a `Protocol` goes on from here. */
  get agreement(): Agreement | undefined {
    return this.#machine.acceptance?.agreement;
  }

  /** Why the handshake has failed. Its `response` is the refusal that `take()` gives, if one is due. */
  get error(): HandshakeError | undefined {
    return this.#error;
  }

  /** What has come behind the request: the first frames, or after a refusal that leaves the connection open, the next request. */
  get rest(): Uint8Array<ArrayBuffer> {
    return concat([this.#machine.rest, ...this.#behind]);
  }

  /**
   * Reads the next bytes of the client. Behind the head of the request nothing is looked at: it is the `rest`.
   *
   * @param chunk The bytes, cut anywhere. They must not change any more.
   * @throws {TypeError} When a function among the options gives or changes what it must not; or whatever it throws.
   */
  receive(chunk: Uint8Array<ArrayBuffer>): void {
    if (this.#state !== "reading") {
      this.#behind.push(chunk);
      return;
    }
    const read = this.#machine.receive(chunk);
    if (!read) return;
    const isWhole = !("failure" in read);
    if (isWhole) this.#machine.judge();
    else this.#machine.refuse(read);
    const { refusal } = this.#machine;
    if (refusal) this.#fail(new TextEncoder().encode(refusalBody(refusal.error)), isWhole);
    else this.#state = "deciding";
  }

  /** The client has ended the connection: without a whole request the handshake has failed, and nothing is to be sent. */
  end(): void {
    if (this.#state !== "reading") return;
    const { failure, message } = this.#machine.started ? endedInHead() : endedBefore("a request");
    this.#error = new HandshakeError(failure, `Cannot accept the upgrade: ${message}`);
    this.#state = "failed";
  }

  /**
   * Accepts the request.
   *
   * @throws {DOMException} `InvalidStateError` when no decision is wanted.
   * @throws {TypeError} When the option `headers` changes what it must not; or whatever it throws.
   */
  accept(): void {
    this.#checkDeciding("accept");
    this.#machine.agree(sha1);
    this.#bytes = this.#machine.writeAcceptance();
    this.#state = "agreed";
  }

  /**
   * Refuses the request, for a reason of your own.
   *
   * @param status The status of the response: 200 to 599, such as 401, 403 or 404.
   * @param init Its header fields and its body.
   * @throws {DOMException} `InvalidStateError` when no decision is wanted.
   * @throws {TypeError} When such a response can't be sent.
   * @throws {RangeError} When the status is none of a response.
   */
  refuse(status: number, init: RefusalInit = {}): void {
    this.#checkDeciding("refuse");
    const { headers, body = EMPTY } = init;
    const response = new Response(body.length > 0 ? body : null, { status, headers: new Headers(headers as Headers) });
    checkResponse(response);
    this.#machine.refuseWith(response);
    this.#fail(typeof body === "string" ? new TextEncoder().encode(body) : body, true);
  }

  /**
   * Takes what is to be sent.
   *
   * @returns The bytes, once; `undefined` when there are none.
   */
  take(): Uint8Array<ArrayBuffer> | undefined {
    const bytes = this.#bytes;
    this.#bytes = undefined;
    return bytes;
  }

  #checkDeciding(call: string): void {
    if (this.#state === "deciding") return;
    throw new DOMException(`Cannot ${call} the upgrade: the handshake is ${this.#state}`, "InvalidStateError");
  }

  /** The request is refused: writes the response, and closes the connection by it unless it may be used again. */
  #fail(body: Uint8Array<ArrayBuffer>, isWhole: boolean): void {
    const { request, refusal } = this.#machine, { response, error } = refusal!;
    const reusable = isWhole && this.#keepAlive && isReusable(response, request!);
    const fields = fieldsToSend(response.headers, reusable);
    const isBodyless = hasNoBody(response.status, request);
    if (!isBodyless) fields.push(["Content-Length", String(body.length)]);
    const head = writeHead(statusLine(response), fields);
    this.#bytes = isBodyless ? head : concat([head, body]);
    if (reusable) Object.assign(error, { reusable, rest: this.rest });
    this.#error = error;
    this.#state = "failed";
  }
}
