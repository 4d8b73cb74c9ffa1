// The streams face: messages as a ReadableStream and a WritableStream (`message_sink.ts`), made only when somebody asks for
// them. We push into the readable and count its bytes ourselves (back-pressure). The names are those of WebSocketStream
// (WHATWG WebSockets, PR 48). A pipe from one connection into another, or back into the same one, bypasses both streams;
// `for await` bypasses the queue of the readable.

import { type CloseInfo, WebSocketError } from "../errors/websocket_error.ts";
import { chargeOf, keptOf, type Received } from "./inbox.ts";
import { type IteratedSource, MessageIterator } from "./message_iterator.ts";
import { type MessageSink, sinkOf } from "./message_sink.ts";

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
export class MessageSource implements IteratedSource {
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
  /** Where `for await` takes the messages, past the queue of the stream. */
  #iterator: MessageIterator | undefined;
  /** Whether the stream is to be closed behind what the iterator has. */
  #isClosing = false;

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
    if (this.#isClosing) return this.#close();
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
    return !this.#over && !this.#isEmpty;
  }

  /** Whether nothing waits: that is so as well once the stream is closed. */
  get #isEmpty(): boolean {
    return this.#iterator ? this.#iterator.isEmpty : this.#controller.desiredSize === 0;
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
    if (!this.#iterator) this.#controller.enqueue(keptOf(message));
    else {
      this.#iterator.push(message);
      this.isAwaited = this.#iterator.isAwaited;
    }
    this.queued += chargeOf(message);
    if (this.queued <= this.#handlers.highWaterMark) return;
    if (!this.#isEmpty) this.isFull = true;
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

  /**
   * Gives the messages to an iterator from now on.
   *
   * @param reader Locks the stream.
   */
  iterate(reader: ReadableStreamDefaultReader<Received>, preventCancel: boolean): MessageIterator {
    return this.#iterator = new MessageIterator(this, reader, preventCancel);
  }

  /** Whether an iterator need not look for messages in the stream, nor for its end. */
  get canIterate(): boolean {
    return !this.#over && this.#isEmpty;
  }

  onRead(): void {
    try {
      this.#pull();
    } catch (error) {
      this.#fail(error);
    }
  }

  onReturn(isCancelled: boolean): void {
    const iterator = this.#iterator;
    this.#iterator = undefined;
    if (isCancelled || !iterator) return;
    while (!iterator.isEmpty) this.#controller.enqueue(iterator.take());
    if (this.#isClosing) this.#close();
  }

  /** Nothing more comes: the stream ends, behind what is queued. */
  end(outcome: CloseInfo | WebSocketError): void {
    if (this.#over) return;
    if (outcome instanceof WebSocketError) {
      if (this.#isEmpty) this.abort(outcome);
      else this.#error = outcome;
      return;
    }
    this.#over = true;
    if (this.#iterator && !this.#isEmpty) this.#isClosing = true;
    else this.#close();
  }

  #close(): void {
    this.#isClosing = false;
    this.#controller.close();
    this.#iterator?.onEnd({});
  }

  /** The stream fails at once; what is queued is thrown away. */
  abort(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#fail(error);
  }

  #fail(error: unknown): void {
    this.#controller.error(error);
    this.#iterator?.clear();
    this.#iterator?.onEnd({ error });
  }
}

// Declared here since Node's types lack the names that browsers and Deno have for these
interface UnderlyingSource {
  start(controller: ReadableStreamDefaultController<Received>): void;
  pull(): void;
  cancel(reason: unknown): void;
}
type PipeOptions = Parameters<ReadableStream["pipeTo"]>[1];
type IteratorOptions = { preventCancel?: boolean };
/** Each library of types has its own, with what an iterator inherits or without. */
type MessagesOf = ReturnType<ReadableStream<Received>["values"]>;

/** The stream of a source: it can tell a pipe into a connection from others. */
class MessageReadable extends ReadableStream<Received> {
  readonly #source: MessageSource;

  constructor(source: MessageSource, underlying: UnderlyingSource) {
    super(underlying, { highWaterMark: 0 });
    this.#source = source;
  }

  override values(options?: IteratorOptions): MessagesOf {
    if (!this.#source.canIterate) return super.values(options);
    const preventCancel = !!options?.preventCancel; // a getter may throw, before anything is locked
    return this.#source.iterate(super.getReader(), preventCancel) as unknown as MessagesOf;
  }

  override [Symbol.asyncIterator](options?: IteratorOptions): MessagesOf {
    return this.values(options);
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
    const pipe = () => super.pipeTo(destination, options), sink = sinkOf(destination);
    return sink ? this.#source.piped(sink, options?.signal, pipe) : pipe();
  }
}
