// The streams face: messages as a ReadableStream and a WritableStream, made only when somebody asks for them. We push into
// the readable and count its bytes ourselves (back-pressure); the writable waits only when `send()` does. The names are
// those of WebSocketStream (WHATWG WebSockets, PR 48). A pipe from one connection into another, or back into the same one,
// bypasses both streams.

import { nextTurn } from "../base/clock.ts";
import { closedError, type CloseInfo, WebSocketError } from "../errors/websocket_error.ts";
import type { Message } from "../protocol/contract.ts";
import { chargeOf, keptOf, type Received } from "./inbox.ts";
import type { Pieces } from "./pieces.ts";

/** What a {@linkcode MessageSource} calls. */
export interface SourceHandlers {
  readonly highWaterMark: number;
  /** A read waits and the queue is empty. Throws when the messages go to a handler. */
  onPull(): void;
  /** A pipe that held messages back takes more. */
  onRoom(): void;
  /** The stream was cancelled. */
  onCancel(reason: unknown): void;
}

/** The messages that come in, as a stream. */
export class MessageSource {
  readonly stream: ReadableStream<Received>;
  /** Whether anything was read: from then on the messages come here. */
  isTaken = false;
  /** Whether a read waits, and so everything before was taken. */
  isAwaited = false;
  /** Back-pressure: whether more waits than the high-water mark. */
  isFull = false;
  /** Whether it was piped: then messages may be under way behind it. */
  isPiped = false;
  readonly #handlers: SourceHandlers;
  #controller!: ReadableStreamDefaultController<Received>;
  /** What the queued messages are charged, in bytes. */
  queued = 0;
  #over = false;
  /** The error that comes behind what is queued: to error a stream empties its queue. */
  #error: WebSocketError | undefined;
  /** Where a pipe takes the messages, past the queue, and the signal that ends it. */
  #sink: MessageSink | undefined;
  #signal: AbortSignal | undefined;

  constructor(handlers: SourceHandlers) {
    this.#handlers = handlers;
    this.stream = new MessageReadable(this, {
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#pull(),
      cancel: (reason) => {
        this.#over = true;
        handlers.onCancel(reason);
      },
    });
  }

  /** With a mark of 0, this is called only when a read waits and the queue is empty. */
  #pull(): void {
    this.queued = 0;
    this.isFull = false;
    if (this.#error) return this.abort(this.#error);
    this.isTaken = this.isAwaited = true;
    try {
      this.#handlers.onPull();
    } catch (error) {
      this.isTaken = false;
      this.#over = true;
      throw error;
    }
  }

  /** Whether messages wait in the stream. */
  get hasQueued(): boolean {
    return !this.#over && this.#controller.desiredSize !== 0;
  }

  /** Whether messages are passed on, to be sent. */
  get isPassing(): boolean {
    return this.#sink !== undefined && !this.#signal?.aborted;
  }

  /** Queues a message, or passes it on. */
  push(message: Received): void {
    if (this.#over) return;
    if (this.isPassing) {
      try {
        return this.#pass(this.#sink!, message);
      } catch {
        this.#sink = undefined; // the pipe writes it again, and so fails with it
      }
    }
    this.isAwaited = false;
    // A view may lie in a buffer with other messages: a reader gets its own
    this.#controller.enqueue(keptOf(message));
    this.queued += chargeOf(message);
    if (this.queued <= this.#handlers.highWaterMark) return;
    if (this.#controller.desiredSize !== 0) this.isFull = true;
    else this.queued = 0; // all of it has been read
  }

  #pass(sink: MessageSink, message: Received): void {
    const room = sink.write(message);
    if (!room) return;
    this.isFull = true;
    room.then(() => {
      if (this.#sink !== sink) return;
      this.isFull = false;
      this.#handlers.onRoom();
    }, () => {}); // the sink fails with it
  }

  /**
   * While a pipe into a sink lasts, passes messages directly to the sink, unless some wait in one of the streams. The
   * runtime's own pipeTo() still handles ends, errors and locks; it sees no message unless passing one fails.
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

  /** Nothing more comes: the stream ends, behind what is queued. */
  end(outcome: CloseInfo | WebSocketError): void {
    if (this.#over) return;
    if (outcome instanceof WebSocketError) {
      if (this.#controller.desiredSize === 0) this.abort(outcome);
      else this.#error = outcome;
      return;
    }
    this.#over = true;
    this.#controller.close();
  }

  /** The stream fails at once; what is queued is thrown away. */
  abort(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#controller.error(error);
  }
}

// Declared here since Node's types lack the names that browsers and Deno have for these
interface UnderlyingSource {
  start(controller: ReadableStreamDefaultController<Received>): void;
  pull(): void;
  cancel(reason: unknown): void;
}
type UnderlyingSink = ConstructorParameters<typeof WritableStream<Message | Pieces>>[0];
type PipeOptions = Parameters<ReadableStream["pipeTo"]>[1];

/** The stream of a source: it can tell a pipe into a connection from others. */
class MessageReadable extends ReadableStream<Received> {
  readonly #source: MessageSource;

  constructor(source: MessageSource, underlying: UnderlyingSource) {
    super(underlying, { highWaterMark: 0 });
    this.#source = source;
  }

  override pipeThrough<Output>(
    transform: ReadableWritablePair<Output, Received>,
    options?: PipeOptions,
  ): ReadableStream<Output> {
    this.#source.isPiped = true;
    return super.pipeThrough(transform, options);
  }

  override pipeTo(destination: WritableStream<Received>, options?: PipeOptions): Promise<void> {
    this.#source.isPiped = true;
    const pipe = () => super.pipeTo(destination, options), sink = MessageWritable.sinkOf(destination);
    return sink ? this.#source.piped(sink, options?.signal, pipe) : pipe();
  }
}

/** What a {@linkcode MessageSink} calls. */
export interface SinkHandlers {
  write(message: Message | Pieces): void | Promise<void>;
  close(): Promise<unknown>;
  abort(reason: unknown): void;
}

/** The messages that go out, as a stream. */
export class MessageSink {
  readonly stream: MessageWritable;
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

  /** Whether the queue is empty; call only while the stream is not locked. */
  get isIdle(): boolean {
    const writer = this.stream.getWriter(), { desiredSize } = writer;
    writer.releaseLock();
    return desiredSize === 1;
  }

  /** Writes past the stream, in which nothing waits. Throws where a write of the stream fails. */
  write(message: Message | Pieces): void | Promise<void> {
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

/** The stream of a sink: we recognize it as ours, and can tell a pipe into it from a writer of the user's. */
class MessageWritable extends WritableStream<Message | Pieces> {
  readonly #sink: MessageSink;
  #writer: WritableStreamDefaultWriter<Message | Pieces> | undefined;

  constructor(sink: MessageSink, underlying: UnderlyingSink) {
    super(underlying);
    this.#sink = sink;
  }

  override getWriter(): WritableStreamDefaultWriter<Message | Pieces> {
    return this.#writer = super.getWriter();
  }

  /** Whether a pipe holds the lock: a pipe of the runtime's does not ask for its writer by `getWriter()`. */
  get isPiped(): boolean {
    return this.locked && !(this.#writer && isLocking(this.#writer));
  }

  /** The sink of a stream, if the stream is ours. */
  static sinkOf(stream: WritableStream): MessageSink | undefined {
    return stream instanceof MessageWritable ? stream.#sink : undefined;
  }
}

/** Whether a writer still has its lock. */
function isLocking(writer: WritableStreamDefaultWriter): boolean {
  try {
    return writer.desiredSize !== undefined;
  } catch {
    return false; // it was released
  }
}
