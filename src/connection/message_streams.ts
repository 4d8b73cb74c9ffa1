// The streams face, made only when somebody asks for it. The readable side is pushed and bounded by our own count of
// bytes, the writable side waits only when `send` does (WebSocketStream's vocabulary; WHATWG WebSockets, PR 48). What is
// piped from one connection into another, or into itself, goes past both streams.

import { nextTurn } from "../base/clock.ts";
import { ownedOf } from "../base/owned_bytes.ts";
import { closedError, type CloseInfo, WebSocketError } from "../errors/websocket_error.ts";
import type { Message } from "../protocol/contract.ts";

/** What each message is charged beside its own bytes. */
const OVERHEAD = 64;

/** What a {@linkcode MessageSource} calls. */
export interface SourceHandlers {
  readonly highWaterMark: number;
  /** Somebody reads and nothing is there. Throws when the messages go elsewhere. */
  pull(): void;
  cancel(reason: unknown): void;
}

type Received = string | Uint8Array<ArrayBuffer>;

/** The messages that come in, as a stream. */
export class MessageSource {
  readonly stream: ReadableStream<Received>;
  /** Whether anything was read. */
  taken = false;
  readonly #handlers: SourceHandlers;
  #controller!: ReadableStreamDefaultController<Received>;
  #queued = 0;
  #over = false;
  /** Where messages go, past the queue, and what ends that. */
  #sink: MessageSink | undefined;
  #signal: AbortSignal | undefined;

  constructor(handlers: SourceHandlers) {
    this.#handlers = handlers;
    this.stream = new MessageReadable(this, {
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
    });
  }

  /** Whether messages are passed on, to be sent. */
  get isPassing(): boolean {
    return this.#sink !== undefined && !this.#signal?.aborted;
  }

  /** Queues a message, or passes it on; true when enough of them wait. */
  push(message: Received): boolean {
    if (this.#over) return false;
    if (this.isPassing) {
      try {
        return this.#pass(this.#sink!, message);
      } catch {
        this.#sink = undefined; // the pipe writes it again, and so fails with it
      }
    }
    const isText = typeof message === "string";
    // A view may lie in a buffer with other messages: a reader gets its own
    this.#controller.enqueue(isText ? message : ownedOf(message));
    this.#queued += OVERHEAD + message.length;
    if (this.#queued <= this.#handlers.highWaterMark) return false;
    if (this.#controller.desiredSize !== 0) return true;
    this.#queued = 0; // all of it has been read
    return false;
  }

  #pass(sink: MessageSink, message: Received): boolean {
    const room = sink.write(message);
    if (!room) return false;
    room.then(() => this.#sink === sink && this.#handlers.pull(), () => {}); // the sink fails with it
    return true;
  }

  /**
   * Lets messages pass by both streams while a pipe into a sink lasts, unless something waits in one of them. The pipe
   * itself is the runtime's, and sees to ends, errors and locks: it waits for a message that does not come before
   * something fails.
   *
   * @param signal What ends it.
   * @param pipe Begins it.
   */
  async piped(sink: MessageSink, signal: AbortSignal | undefined, pipe: () => Promise<void>): Promise<void> {
    const isLocked = this.stream.locked || sink.stream.locked;
    if (isLocked || this.#controller.desiredSize !== 0 || !sink.isIdle) return await pipe();
    this.#sink = sink; // before the pipe, which may begin to read at once
    this.#signal = signal;
    try {
      await pipe();
    } finally {
      this.#sink = this.#signal = undefined;
    }
  }

  /** The connection is over. */
  end(outcome: CloseInfo | WebSocketError): void {
    if (this.#over) return;
    this.#over = true;
    if (outcome instanceof WebSocketError) this.#controller.error(outcome);
    else this.#controller.close();
  }
}

/** The stream of a source: it can tell a pipe into a connection from others. */
class MessageReadable extends ReadableStream<Received> {
  readonly #source: MessageSource;

  constructor(source: MessageSource, underlying: UnderlyingDefaultSource<Received>) {
    super(underlying, { highWaterMark: 0 });
    this.#source = source;
  }

  override pipeTo(destination: WritableStream<Received>, options?: StreamPipeOptions): Promise<void> {
    const pipe = () => super.pipeTo(destination, options), sink = MessageWritable.sinkOf(destination);
    return sink ? this.#source.piped(sink, options?.signal, pipe) : pipe();
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
  readonly #handlers: SinkHandlers;
  #controller!: WritableStreamDefaultController;
  #over = false;

  constructor(handlers: SinkHandlers) {
    this.#handlers = handlers;
    this.stream = new MessageWritable(this, {
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

  /** Whether nothing waits in the stream, which nobody has. */
  get isIdle(): boolean {
    const writer = this.stream.getWriter(), { desiredSize } = writer;
    writer.releaseLock();
    return desiredSize === 1;
  }

  /** Writes past the stream, in which nothing waits. Throws where a write of the stream fails. */
  write(message: Message): void | Promise<void> {
    return this.#handlers.write(message);
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#controller.error(error);
  }

  /** The connection is over. */
  end(outcome: CloseInfo | WebSocketError): void {
    if (outcome instanceof WebSocketError) return this.#fail(outcome);
    // A turn later: a pipe from the readable side, which has just closed, closes this side first and so succeeds
    nextTurn(() => this.#fail(closedError()));
  }
}

/** The stream of a sink, which can be told from others. */
class MessageWritable extends WritableStream<Message> {
  readonly #sink: MessageSink;

  constructor(sink: MessageSink, underlying: UnderlyingSink<Message>) {
    super(underlying);
    this.#sink = sink;
  }

  /** The sink of a stream, if it is one's. */
  static sinkOf(stream: WritableStream): MessageSink | undefined {
    return stream instanceof MessageWritable ? stream.#sink : undefined;
  }
}
