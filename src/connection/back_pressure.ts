// When a connection is read, and when the peer is held back. Reading begins at the end of the turn in which the connection
// was made. Past the high-water mark the machine stops before the next frame and the transport is paused, until there is
// room again; meanwhile one chunk at a time may be read, to notice whether the peer is still there.

import type { WebSocketError } from "../errors/websocket_error.ts";
import type { Machine } from "../protocol/machine.ts";
import type { Transport } from "../transport/transport.ts";
import { beginSoon } from "./begin_soon.ts";
import type { CheckedOptions } from "./connection_options.ts";
import type { Flusher } from "./flusher.ts";
import type { IdleWatch } from "./idle_watch.ts";
import { MessageWatch } from "./message_watch.ts";
import type { ReceiveOptions } from "./websocket_connection.ts";

/** What reading needs of its connection. */
export interface ReaderHost {
  readonly options: CheckedOptions;
  readonly machine: Machine;
  readonly transport: Transport;
  readonly flusher: Flusher;
  readonly idle: IdleWatch;
  readonly isOpen: boolean;
  readonly isReleased: boolean;
  /** Whether the connection is lost, and what was received before that is taken in. */
  readonly isLost: boolean;
  onLost(error: unknown): void;
  /** A message has not ended within `messageTimeout`. */
  onMessageLate(): void;
}

/** What receiving needs of its connection. */
export interface ReceiverHost extends ReaderHost {
  /** The stream of messages was cancelled. */
  closeWithReasonOf(reason: unknown): void;
  readonly sender: { readonly cutBy: WebSocketError | undefined } | undefined;
  /** The handler has thrown. */
  onHandlerFailed(): void;
  /** Everything that came before the peer's Close frame was taken. */
  onTaken(): void;
}

/** What a handler says of itself. */
export interface HandlerHabits extends ReceiveOptions {
  /** Whether it has put messages aside: it answers them in this turn all the same. Where not, it keeps no view of a chunk. */
  hasAside?(): boolean;
}

/** How the peer is held back: whether a chunk is read nevertheless, and how many bytes were read past the mark. */
interface Held {
  isLooking: boolean;
  overshoot: number;
}

/** Reads one connection. A base class and not a part of its own: one object less for each connection. */
export abstract class BackPressuredReader<Host extends ReaderHost> {
  protected readonly host: Host;
  /** Bytes that came with the handshake, or none: until reading begins. */
  #rest: Uint8Array | undefined;
  /** Set while the high-water mark is passed: nothing is read, but for a {@linkcode look}. */
  #held: Held | undefined;
  /** Made for the first message that does not come in one frame and one chunk, if its time is limited. */
  #watch: MessageWatch | undefined;
  /** What all pieces of messages that wait to be read are charged, in bytes. */
  protected pieceCharge = 0;

  constructor(host: Host, rest: Uint8Array) {
    this.host = host;
    this.#rest = rest;
    beginSoon(this);
  }

  /** Whether more will be sent in this turn, so that frames are better written at its end. */
  protected abstract get flushesLater(): boolean;

  /** Whether messages are handed over as views of the chunk that they came in. */
  protected abstract get lendsViews(): boolean;

  /** Begins to read, from the bytes that came with the handshake. */
  begin(): void {
    const { idle, isOpen, isReleased } = this.host;
    const rest = this.#rest;
    if (rest === undefined || isReleased) return;
    this.#rest = undefined;
    if (isOpen) idle.start();
    try {
      if (rest.length > 0) this.onData(new Uint8Array(rest));
      this.#resume();
    } catch (error) {
      this.host.onLost(error); // the other connections of the turn still begin
    }
  }

  /** Reads on, unless the application has to take messages first, or what was received is yet to be inflated. */
  #resume(): void {
    const { isReleased, machine, transport } = this.host;
    if (this.#rest === undefined && !this.#held && !isReleased && !machine.isBehind) transport.resume();
  }

  /** All that was received is inflated. */
  onCaughtUp(): void {
    this.#resume();
    this.#watchMessage();
  }

  /** The clock of the message that is under way runs while we read, and stands while we don't. */
  #watchMessage(): void {
    const { machine, options: { clock, messageTimeout } } = this.host;
    if (messageTimeout === 0) return;
    const message = this.host.isOpen ? machine.messageUnderWay : 0;
    if (message === 0 && !this.#watch) return;
    this.#watch ??= new MessageWatch(clock, messageTimeout, () => this.host.onMessageLate());
    this.#watch.update(message, this.#held !== undefined || machine.isBehind);
  }

  /** No message is waited for any more. */
  stopWatching(): void {
    this.#watch?.update(0, false);
  }

  /**
   * Bytes from the peer.
   *
   * @returns Whether their memory may be read into again, or freed.
   */
  onData(chunk: Uint8Array<ArrayBuffer>): boolean {
    const { flusher, machine, transport } = this.host;
    if (this.#held !== undefined) this.#onLook(this.#held, chunk);
    let isFree = false;
    flusher.cork();
    try {
      isFree = machine.receive(chunk);
    } finally {
      flusher.uncork(this.flushesLater);
    }
    if (machine.isBehind) transport.pause();
    this.#watchMessage();
    // What is held, or yet to be inflated, waits in the machine
    return isFree || !this.lendsViews && this.#held === undefined && !machine.isBehind;
  }

  /** Back-pressure: no more messages until {@linkcode release}. */
  protected hold(): void {
    const { idle, isOpen, machine, transport } = this.host;
    if (this.#held || !isOpen) return;
    this.#held = { isLooking: false, overshoot: 0 };
    idle.standDown();
    machine.pause();
    transport.pause();
  }

  /** There is room again: reads on, first what was received and held, unless it would only be more pieces. */
  protected release(): void {
    if (!this.#held || this.pieceCharge > this.host.options.highWaterMark && this.host.isOpen) return;
    this.#held = undefined;
    const { flusher, idle, isReleased, machine } = this.host;
    if (isReleased) return;
    idle.alive();
    flusher.after(() => machine.resume(), this.flushesLater);
    this.#resume();
    this.#watchMessage();
  }

  /** Our Close frame is out: everything is read, to find the peer's. Messages that wait can still be taken. */
  releaseAll(): void {
    this.release();
    this.begin();
  }

  /**
   * Reads one chunk past the high-water mark, to notice whether the peer is still there; at most as much again as the mark.
   *
   * @returns Whether we would notice traffic of the peer.
   */
  look(): boolean {
    const held = this.#held;
    if (!held) return true;
    if (!held.isLooking && held.overshoot <= this.host.options.highWaterMark) {
      held.isLooking = true;
      this.host.transport.resume();
    }
    return held.isLooking;
  }

  #onLook(held: Held, { length }: Uint8Array): void {
    held.isLooking = false;
    held.overshoot += length;
    this.host.transport.pause();
  }

  /** Takes in everything that was received and held back, even past the mark: nothing more will come. */
  takeRest(): void {
    this.#held = undefined;
    const { machine } = this.host, rest = this.#rest;
    this.#rest = undefined;
    if (rest && rest.length > 0) machine.receive(new Uint8Array(rest)); // it was lost before it was read
    machine.resume();
  }
}
