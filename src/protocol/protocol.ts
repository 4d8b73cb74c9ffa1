// The public face of the machine: it checks what a caller gives, and answers the peer's Close frame at once.

import { limitOf } from "../base/options.ts";
import type { BufferSource } from "../base/owned_bytes.ts";
import { checkClose, type CloseInfo, type WebSocketError } from "../errors/websocket_error.ts";
import type { Agreement } from "./agreement.ts";
import { checkCompression, checkDeflate } from "./compression_options.ts";
import type { Message, ProtocolEvents, ProtocolOptions, SendOptions } from "./contract.ts";
import { Machine } from "./machine.ts";
import type { MachineEvents } from "./machine_contract.ts";
import type { PreparedMessage } from "./prepared_message.ts";

/**
 * One end of a WebSocket connection.
 *
 * @example The closing handshake, byte by byte (RFC 6455 §7.1.2)
 * ```ts
 * import { Protocol } from "@handfast/websocket/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * const events = { message() {}, close() {}, fail() {} };
 * const machine = new Protocol({ role: "client", protocol: "", extensions: "" }, events, { maskKey: () => 0 });
 * machine.close({ closeCode: 1000 });
 * assertEquals(machine.take()?.toHex(), "88820000000003e8");
 * assertEquals(machine.state, "closing");
 *
 * for (const byte of [0x88, 2, 0x03, 0xe8]) machine.receive(Uint8Array.of(byte));
 * assertEquals(machine.state, "closed");
 * ```
 */
export class Protocol {
  readonly #machine: Machine;

  /**
   * Starts with the first byte after the handshake.
   *
   * @param agreement What the handshake has agreed on.
   * @param events What is called with messages, pongs and the end.
   * @param options Limits, compression and masking keys.
   * @throws {TypeError} When the option `compression` is neither a boolean nor an object, or an event is missing that the
   * option `streamAbove` needs.
   * @throws {RangeError} When a number among the options, or a window of the agreement, is out of its range.
   */
  constructor(agreement: Agreement, events: ProtocolEvents, options: ProtocolOptions = {}) {
    const { role, deflate } = agreement;
    if (deflate) checkDeflate(deflate, role);
    const machine: Machine = new Machine(agreement, new PublicEvents(events, () => machine.answerClose()), {
      maxMessageSize: limitOf(options, "maxMessageSize"),
      highWaterMark: limitOf(options, "highWaterMark"),
      streamAbove: checkStreamAbove(options, events),
      maxStreamedSize: limitOf(options, "maxStreamedSize"),
      compression: deflate && checkCompression(options.compression, role),
      maskKey: options.maskKey,
    });
    this.#machine = machine;
  }

  /** `"closing"` from our Close frame on, `"closed"` when nothing more is read or sent. */
  get state(): "open" | "closing" | "closed" {
    return this.#machine.state;
  }

  /** How many bytes are ready to be taken. */
  get buffered(): number {
    return this.#machine.buffered;
  }

  /**
   * Reads the next bytes of the peer and calls the events. The chunk belongs to the machine from now on: it is unmasked
   * in place, and messages may be views of it.
   *
   * @param chunk The bytes, cut anywhere.
   * @returns Whether the chunk's memory may be used again: no message is a view of it, and none of its bytes wait.
   */
  receive(chunk: Uint8Array<ArrayBuffer>): boolean {
    return this.#machine.receive(chunk);
  }

  /**
   * Back-pressure: stops before the next frame or piece, even in the middle of a chunk. What is received while paused is kept
   * until {@linkcode resume}.
   */
  pause(): void {
    this.#machine.pause();
  }

  /**
   * Throws away what is still to come of the message that is being handed over in pieces; it has to keep the rules
   * nevertheless. Between such messages this does nothing.
   */
  discard(): void {
    this.#machine.reader.discard();
  }

  /** Reads on, first what was received while paused. */
  resume(): void {
    this.#machine.resume();
  }

  /**
   * Sends a message, or a piece of one. It is copied before the call returns. Lone surrogates become U+FFFD.
   *
   * @param message A string is sent as text, a buffer as binary, and what {@linkcode prepare} gives as it says.
   * @param options Whether this ends the message, and whether it may be compressed.
   * @throws {DOMException} `InvalidStateError` when the state is not `"open"`.
   * @throws {TypeError} When it is neither a string nor a buffer, the buffer is shared, resizable or detached, pieces are
   * mixed, or a prepared message comes between them; when an option is wrong.
   */
  send(message: Message | PreparedMessage, options?: SendOptions): void {
    this.#machine.send(message, options);
  }

  /**
   * Sends a Ping frame (RFC 6455 §5.5.2). The event `pong` reports the answer.
   *
   * @param payload At most 125 bytes.
   * @throws {RangeError} When there are more.
   * @throws {DOMException} `InvalidStateError` when the state is not `"open"`.
   */
  ping(payload?: BufferSource): void {
    this.#machine.ping(payload);
  }

  /**
   * Starts the closing handshake (RFC 6455 §7.1.2): no more messages can be sent, and those that still come are dropped.
   * Calling it again does nothing.
   *
   * @param info Code and reason; without them the Close frame is empty.
   * @throws {DOMException} `InvalidAccessError` for a code that may not be sent, `SyntaxError` for a long reason.
   */
  close(info: { closeCode?: number | undefined; reason?: string | undefined } = {}): void {
    this.#machine.close(checkClose(info));
  }

  /**
   * Takes the next bytes to write. Call it until it gives `undefined`.
   *
   * @returns The bytes, which stay as they are until they are given to {@linkcode recycle}.
   */
  take(): Uint8Array<ArrayBuffer> | undefined {
    return this.#machine.take();
  }

  /**
   * Gives back what {@linkcode take} returned, once it is written, so that its memory is used again. This is optional;
   * do it at most once for each.
   *
   * @param bytes The same object, not a view of it.
   */
  recycle(bytes: Uint8Array<ArrayBuffer>): void {
    this.#machine.recycle(bytes);
  }
}

/** Who wants messages in pieces has to take the pieces. */
function checkStreamAbove(options: ProtocolOptions, events: ProtocolEvents): number {
  const streamAbove = limitOf(options, "streamAbove");
  for (const name of ["begin", "piece", "end"] as const) {
    if (streamAbove === Infinity || typeof events[name] === "function") continue;
    throw new TypeError(`Cannot use the option streamAbove: the event ${name} is missing`);
  }
  return streamAbove;
}

/** Passes the machine's events on, under their public names. */
class PublicEvents implements MachineEvents {
  readonly #events: ProtocolEvents;
  readonly #answerClose: () => void;

  readonly messages: MachineEvents["messages"];

  constructor(events: ProtocolEvents, answerClose: () => void) {
    this.#events = events;
    this.#answerClose = answerClose;
    this.messages = {
      onMessage: (message) => events.message(message),
      onBegin: (isText) => events.begin!(isText ? "text" : "binary"),
      onPiece: (piece) => events.piece!(piece),
      onEnd: () => events.end!(),
    };
  }

  onPong(payload: Uint8Array<ArrayBuffer>): void {
    this.#events.pong?.(payload);
  }

  onPeerClose(info: CloseInfo): void {
    this.#answerClose();
    this.#events.close(info);
  }

  onFailure(error: WebSocketError): void {
    this.#events.fail(error);
  }
}
