// A message that comes in pieces, as a stream: made when the message begins. Pieces that nobody has read yet are charged to
// the high-water mark of the connection, which then is held back.

import { type CloseInfo, notOpenError, type WebSocketError } from "../errors/websocket_error.ts";

/** What each message that waits, and each piece of one, is charged beside its own bytes, so that empty ones are bounded, too. */
export const MESSAGE_OVERHEAD = 64;

/**
 * A message that is handed over in pieces while it comes, as the option `streamAbove` says: a stream of strings, each of
 * whole characters, or of bytes. A piece has at most 64 KiB.
 *
 * Read it to its end, or cancel it: messages behind it wait for that. `cancel()` throws away the rest of this message, and
 * of no other. It fails when the connection ends before the message does.
 *
 * @example Each message as it comes
 * ```ts
 * import { accept, connect, type MessagePieces } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const [conn, server] = connectionPair();
 * const opening = connect("ws://localhost/", { conn });
 * const [socket, accepted] = await Promise.all([opening, accept(server, { streamAbove: 0 })]);
 * const text: string[] = [];
 * const served = accepted.receive(async (message) => {
 *   const pieces = message as MessagePieces; // with `streamAbove: 0`, all messages are
 *   assertEquals(pieces.type, "text");
 *   for await (const piece of pieces) text.push(piece as string);
 * });
 * socket.send("to be ", { fin: false });
 * socket.send("continued");
 * await socket.close();
 * await served;
 *
 * assertEquals(text.join(""), "to be continued");
 * ```
 */
export interface MessagePieces extends ReadableStream<string | Uint8Array<ArrayBuffer>> {
  /** Whether the pieces are strings or bytes. */
  readonly type: "text" | "binary";
}

/**
 * A message as it is received where the option `streamAbove` is given: what is longer comes in pieces.
 *
 * @example The three kinds
 * ```ts
 * import { connect, type ReceivedOrPieces, serve } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * function kindOf(message: ReceivedOrPieces): string {
 *   if (typeof message === "string") return "text";
 *   return message instanceof Uint8Array ? "binary" : `${message.type} in pieces`;
 * }
 * await using server = await serve({ port: 0, streamAbove: 4 }, (socket) =>
 *   socket.receive((message) => socket.send(kindOf(message))));
 *
 * await using socket = await connect(server.url!);
 * const reader = socket.readable.getReader();
 * for (const message of ["Hi", "Hello", new Uint8Array(2)]) socket.send(message);
 * const kinds = [await reader.read(), await reader.read(), await reader.read()].map(({ value }) => value);
 * assertEquals(kinds, ["text", "text in pieces", "binary"]);
 * ```
 */
export type ReceivedOrPieces = string | Uint8Array<ArrayBuffer> | MessagePieces;

/** What the pieces of a message tell their connection. */
export interface PieceHandlers {
  /** So much more, or less, waits to be read. */
  onCharge(change: number): void;
  /** A read waits, and nothing else does. */
  onWanted(): void;
  /** Nobody is owed anything any more: it was read to its end, cancelled, or has failed. */
  onDone(pieces: IncomingPieces): void;
}

/** The pieces of one message. */
export class IncomingPieces {
  readonly stream: MessagePieces;
  /** Whether nothing is left to be read. */
  isDone = false;
  /** Whether all of the message has come. */
  isWhole = false;
  /** Whether the handler that got it is done with its call. */
  isHandled = false;
  /** What the stream fails with, behind what waits in it: to error a stream empties its queue. */
  error: unknown;
  readonly #handlers: PieceHandlers;
  #controller!: ReadableStreamDefaultController<string | Uint8Array<ArrayBuffer>>;
  /** What the pieces that wait are charged, in bytes. */
  #charge = 0;

  constructor(type: MessagePieces["type"], handlers: PieceHandlers) {
    this.#handlers = handlers;
    this.stream = new PieceStream(this, type, {
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#onPull(),
      cancel: () => this.#finish(),
    });
  }

  /** The pieces behind a stream, if the stream is ours. */
  static of(message: object): IncomingPieces | undefined {
    return PieceStream.piecesOf(message);
  }

  /** With a mark of 0, this is called only when a read waits and the queue is empty. */
  #onPull(): void {
    this.#chargeAnew(0);
    if (this.error !== undefined) return this.abort(this.error);
    if (this.isWhole) return this.#close();
    this.#handlers.onWanted();
  }

  #chargeAnew(charge: number): void {
    const change = charge - this.#charge;
    this.#charge = charge;
    if (change !== 0) this.#handlers.onCharge(change);
  }

  get #isEmpty(): boolean {
    return this.#controller.desiredSize === 0;
  }

  push(piece: string | Uint8Array<ArrayBuffer>): void {
    if (this.isDone) return;
    this.#controller.enqueue(piece);
    if (!this.#isEmpty) this.#chargeAnew(this.#charge + MESSAGE_OVERHEAD + piece.length);
  }

  /** The message has ended. */
  end(): void {
    this.isWhole = true;
    if (!this.isDone && this.#isEmpty) this.#close();
  }

  /** The message can't be whole any more: the stream fails, behind what waits in it. */
  fail(error: unknown): void {
    if (this.isDone) return;
    this.error = error;
    if (this.#isEmpty) this.abort(error);
  }

  /** The stream fails at once; what waits in it is thrown away. */
  abort(error: unknown): void {
    if (this.isDone) return;
    this.error = error;
    this.#controller.error(error);
    this.#finish();
  }

  #close(): void {
    this.#controller.close();
    this.#finish();
  }

  #finish(): void {
    this.isDone = true;
    this.#chargeAnew(0);
    this.#handlers.onDone(this);
  }
}

// Declared here since Node's types lack the name that browsers and Deno have for it
interface UnderlyingSource {
  start(controller: ReadableStreamDefaultController<string | Uint8Array<ArrayBuffer>>): void;
  pull(): void;
  cancel(): void;
}

/** The stream: we know it for ours. */
class PieceStream extends ReadableStream<string | Uint8Array<ArrayBuffer>> implements MessagePieces {
  readonly type: MessagePieces["type"];
  readonly #pieces: IncomingPieces;

  constructor(pieces: IncomingPieces, type: MessagePieces["type"], underlying: UnderlyingSource) {
    super(underlying, { highWaterMark: 0 });
    this.type = type;
    this.#pieces = pieces;
  }

  static piecesOf(message: object): IncomingPieces | undefined {
    return #pieces in message ? message.#pieces : undefined;
  }
}

/** What a message in pieces fails with that has come to no end. */
export function errorOf(end: CloseInfo | WebSocketError | undefined): Error {
  return end instanceof Error ? end : notOpenError("read the message to its end", end);
}

/** What a message in pieces fails with that nobody has taken. */
export function untakenError(): DOMException {
  return new DOMException("The rest of the message was thrown away: the handler has not taken it", "AbortError");
}
