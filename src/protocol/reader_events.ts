// What a reader tells while it is fed.

import type { ProtocolFailure } from "../errors/failures.ts";
import type { PieceEvents } from "./streamed_message.ts";

/** What is told of messages; that of pieces is called only where messages are handed over in pieces. */
export interface MessageEvents extends Partial<PieceEvents> {
  onMessage(message: string | Uint8Array<ArrayBuffer>): void;
  /** Whether nobody has the bytes of the message that was told last any more. */
  readonly isDone?: boolean;
  /** Whether messages go into a stream, which gets copies: a view less is made of each then. */
  readonly isStreaming?: boolean;
}

/** What a reader reports while it is fed. */
export interface ReaderEvents {
  /** Who is told of messages: directly, for a call in between would take time for each. */
  readonly messages: MessageEvents;
  onControl(opcode: number, payload: Uint8Array<ArrayBuffer>): void;
  /** The peer has broken a rule: the reader must be stopped. */
  onFailure(failure: ProtocolFailure, detail?: string): void;
  /** The reader is behind: it goes on when `work()` is called. */
  onBehind(): void;
}
