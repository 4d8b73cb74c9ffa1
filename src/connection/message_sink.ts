// The messages that go out, as a WritableStream: it waits only when `send()` does.

import { nextTurn } from "../base/clock.ts";
import { closedError, type CloseInfo, WebSocketError } from "../errors/websocket_error.ts";
import type { Message } from "../protocol/contract.ts";
import type { Pieces } from "./pieces.ts";

// Declared here since Node's types lack the name that browsers and Deno have for this
type UnderlyingSink = ConstructorParameters<typeof WritableStream<Message | Pieces>>[0];

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

  static sinkOf(stream: WritableStream): MessageSink | undefined {
    return stream instanceof MessageWritable ? stream.#sink : undefined;
  }
}

/** The sink of a stream, if the stream is ours. */
export function sinkOf(stream: WritableStream): MessageSink | undefined {
  return MessageWritable.sinkOf(stream);
}

/** Whether a writer still has its lock. */
function isLocking(writer: WritableStreamDefaultWriter): boolean {
  try {
    return writer.desiredSize !== undefined;
  } catch {
    return false; // it was released
  }
}
