// The streams face, made only when somebody asks for it. The readable side is pushed and bounded by our own count of
// bytes, the writable side waits only when `send` does (WebSocketStream's vocabulary; WHATWG WebSockets, PR 48).

import { ownedOf } from "./buffers.ts";
import { closedError, type CloseInfo, WebSocketError } from "./errors.ts";
import { nextTurn } from "./clock.ts";
import type { Message } from "./protocol.ts";

/** What each message is charged beside its own bytes. */
const OVERHEAD = 64;

/** What a {@linkcode MessageSource} calls. */
export interface SourceHandlers {
  readonly highWaterMark: number;
  /** Somebody reads and nothing is there. Throws when the messages go elsewhere. */
  pull(): void;
  cancel(reason: unknown): void;
}

/** The messages that come in, as a stream. */
export class MessageSource {
  readonly stream: ReadableStream<string | Uint8Array<ArrayBuffer>>;
  /** Whether anything was read. */
  taken = false;
  readonly #highWaterMark: number;
  #controller!: ReadableStreamDefaultController<string | Uint8Array<ArrayBuffer>>;
  #queued = 0;
  #over = false;

  constructor(handlers: SourceHandlers) {
    this.#highWaterMark = handlers.highWaterMark;
    this.stream = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => {
        this.#queued = 0; // with a mark of 0, pull is called only when the queue is empty
        try {
          handlers.pull();
        } catch (error) {
          this.#over = true;
          throw error;
        }
        this.taken = true;
      },
      cancel: (reason) => {
        this.#over = true;
        handlers.cancel(reason);
      },
    }, { highWaterMark: 0 });
  }

  /** Queues a message; true when enough of them wait. */
  push(message: string | Uint8Array<ArrayBuffer>): boolean {
    if (this.#over) return false;
    const isText = typeof message === "string";
    // A view may lie in a buffer with other messages: a reader gets its own
    this.#controller.enqueue(isText ? message : ownedOf(message));
    this.#queued += OVERHEAD + message.length;
    if (this.#queued <= this.#highWaterMark) return false;
    if (this.#controller.desiredSize !== 0) return true;
    this.#queued = 0; // all of it has been read
    return false;
  }

  /** The connection is over. */
  end(outcome: CloseInfo | WebSocketError): void {
    if (this.#over) return;
    this.#over = true;
    if (outcome instanceof WebSocketError) this.#controller.error(outcome);
    else this.#controller.close();
  }
}

/** What a {@linkcode MessageSink} calls. */
export interface SinkHandlers {
  write(message: Message): void | Promise<void>;
  close(): Promise<unknown>;
  abort(reason: unknown): void;
}

/** The messages that go out, as a stream. */
export class MessageSink {
  readonly stream: WritableStream<Message>;
  #controller!: WritableStreamDefaultController;
  #over = false;

  constructor(handlers: SinkHandlers) {
    this.stream = new WritableStream({
      start: (controller) => {
        this.#controller = controller;
        // Not in `abort`, which is called only after a write under way, and that may be stuck
        controller.signal.addEventListener("abort", () => handlers.abort(controller.signal.reason));
      },
      write: (message) => handlers.write(message),
      close: async () => {
        this.#over = true;
        await handlers.close();
      },
      abort: () => {
        this.#over = true;
      },
    });
  }

  /** The connection is over. */
  end(outcome: CloseInfo | WebSocketError): void {
    if (outcome instanceof WebSocketError) {
      if (!this.#over) this.#controller.error(outcome);
      return;
    }
    // A turn later: a pipe from the readable side, which has just closed, closes this side first and so succeeds
    nextTurn(() => {
      if (!this.#over) this.#controller.error(closedError());
    });
  }
}
