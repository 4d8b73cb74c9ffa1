// What a machine is given: whom it tells what, and its options. It has no code.

import type { CloseInfo, WebSocketError } from "../errors/websocket_error.ts";
import type { CheckedCompression } from "./compression_options.ts";
import type { Work } from "./deflate.ts";
import type { MaskKeys } from "./mask.ts";
import type { ReaderEvents } from "./reader_events.ts";
import type { StreamLimits } from "./streamed_message.ts";

/** The callbacks of a machine. They are called during `receive()`, `resume()` and `work()`, and must not throw. */
export interface MachineEvents extends Pick<ReaderEvents, "messages"> {
  onPong(payload: Uint8Array<ArrayBuffer>): void;
  /** The peer's Close frame has come, and nothing more is read. If ours is due, `answerClose()` sends it. */
  onPeerClose(info: CloseInfo): void;
  /** The peer has broken a rule, and nothing more is read. Our Close frame, if one is due, is ready to be taken. */
  onFailure(error: WebSocketError): void;
  /** Work was deferred: call `work()` in later turns, until it returns `false`. */
  onWork?(): void;
}

/** `ProtocolOptions`, checked and with their defaults. */
export interface MachineOptions extends Partial<StreamLimits> {
  readonly maxMessageSize: number;
  readonly highWaterMark: number;
  /** How we compress where compression was agreed; `undefined` means the defaults. */
  readonly compression?: CheckedCompression | undefined;
  readonly maskKey?: MaskKeys | undefined;
  /** The budget for compressing and inflating in a turn; without it, everything is done in the call. */
  readonly work?: Work | undefined;
}

/** A control frame that is to be sent later. */
export interface Owed {
  readonly opcode: number;
  readonly payload: Uint8Array<ArrayBuffer>;
}
