// The body of a plain request on a stream of HTTP/2, as a ReadableStream. It is read as fast as the handler reads, and no
// faster: flow control stops the client meanwhile (RFC 9113 §5.2). Its size and the client's time are limited.

import type { Clock } from "../base/clock.ts";
import { Deadline } from "../base/timers.ts";
import { HandshakeError } from "../errors/handshake_error.ts";
import type { Problem } from "../errors/problem.ts";
import type { ParsedRequest } from "../http/request_head.ts";
import type { Transport, TransportHandlers } from "../transport/transport.ts";

/** What a body is read with. */
export interface RequestBodyOptions {
  readonly head: ParsedRequest;
  /** The most bytes. */
  readonly limit: number;
  readonly clock: Clock;
  /** How long may be waited for the client, in milliseconds: while nobody reads, the time stands. 0 means no limit. */
  readonly timeout: number;
  /** Called when somebody reads for the first time. */
  onFirstRead(): void;
  /** Called with the error of what is read when the client is lost. */
  onLost(error: HandshakeError): void;
}

/** A body, and the owner of its stream until the response is sent. */
export class RequestBody implements TransportHandlers {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #transport: Transport;
  readonly #options: RequestBodyOptions;
  readonly #deadline: Deadline;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  /** Whether a reader waits, and since when on the clock. */
  #isAwaited = false;
  #since = 0;
  /** How much of the client's time is left, in milliseconds. */
  #left: number;
  #received = 0;
  #isRead = false;
  #isOver = false;
  /** What it has failed with, while the stream still has a chunk: that is read first. */
  #error: unknown;
  /** What is wrong with it, once that is known. */
  problem: Problem | undefined;

  constructor(transport: Transport, options: RequestBodyOptions) {
    this.#transport = transport;
    this.#options = options;
    this.#deadline = new Deadline(options.clock);
    this.#left = options.timeout;
    this.stream = new ReadableStream({
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#pull(),
      cancel: () => this.#end(),
    }, { highWaterMark: 0 });
    transport.start(this);
  }

  #pull(): void {
    if (this.#error !== undefined) return this.#controller.error(this.#error);
    if (!this.#isRead) this.#options.onFirstRead();
    this.#isRead = this.#isAwaited = true;
    this.#since = this.#options.clock.now();
    this.#deadline.set(this.#left, () => {
      this.#fail({ failure: "handshake-timeout", detail: `the time limit of ${this.#options.timeout} ms has passed` });
    });
    this.#transport.resume();
  }

  /** Reads on where somebody waits: the transport has a new owner, which hands on what comes. */
  goOn(): void {
    if (this.#isAwaited) this.#transport.resume();
  }

  /** The response is sent: who still reads gets an error. */
  stop(): void {
    if (this.#isOver) return;
    this.#end();
    this.#controller.error(new DOMException("Cannot read the body: the response was sent", "InvalidStateError"));
  }

  onData(chunk: Uint8Array<ArrayBuffer>): void {
    if (this.#isOver) return;
    this.#transport.pause();
    this.#received += chunk.length;
    const { limit, clock, timeout } = this.#options;
    if (this.#received > limit) {
      return this.#fail({ failure: "body-too-large", detail: `the body has more than ${limit} bytes` });
    }
    if (this.#isAwaited && timeout > 0) this.#left = Math.max(1, this.#left - (clock.now() - this.#since));
    this.#isAwaited = false;
    this.#deadline.clear();
    this.#controller.enqueue(chunk);
  }

  onEnd(): void {
    if (this.#isOver) return;
    this.#end();
    this.#controller.close();
  }

  onDrained(): void {}

  onLost(cause: unknown): void {
    const error = new HandshakeError("connection-closed", "Cannot answer the request: the stream was lost", {
      cause,
      request: this.#options.head,
    });
    this.#options.onLost(error);
    this.#failWith(error);
  }

  #fail(problem: Problem): void {
    this.problem = problem;
    const message = `Cannot read the request: ${problem.detail}`;
    this.#failWith(new HandshakeError(problem.failure, message, { request: this.#options.head }));
  }

  #failWith(error: unknown): void {
    if (this.#isOver) return;
    this.#end();
    if (this.#controller.desiredSize! < 0) this.#error = error;
    else this.#controller.error(error);
  }

  #end(): void {
    this.#isOver = true;
    this.#isAwaited = false;
    this.#deadline.clear();
    this.#transport.pause();
  }
}
