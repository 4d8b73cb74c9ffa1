// What a row about a whole conversation is: steps of the peer, of ours, and of what must have come of them by then.
// A message that no step expects must not come; a frame that no step expects must not be written.

import { frame, type FrameFailure, type FrameRow, KEY, toward } from "./frames_base.ts";

export interface DialogueRow {
  /** The criterion. */
  readonly name: string;
  /** The clause it comes from. */
  readonly section: string;
  /** Who we are. */
  readonly role: "server" | "client";
  readonly steps: readonly Step[];
  readonly options?: { readonly maxMessageSize?: number };
}

/** A message; bytes are pairs of hex digits. */
export type Message = { readonly text: string } | { readonly binary: string };

/**
 * A frame of ours: whole, and masked as our role demands. `1005` is a Close frame without a payload; where no reason is
 * named, any will do.
 */
export type Sent =
  | Message
  | { readonly ping: string }
  | { readonly pong: string }
  | { readonly close: number; readonly reason?: string };

export type Step =
  /** The peer writes, in one piece. */
  | { readonly peer: string }
  /** The peer ends its side. */
  | { readonly peerEnds: true }
  /** We send a message. */
  | { readonly send: Message }
  /** We send a ping. */
  | { readonly ping: string }
  /** We close. */
  | { readonly close: { readonly closeCode?: number; readonly reason?: string } }
  /** What we have written since the last such step, and nothing else. */
  | { readonly expectWire: readonly Sent[] }
  /** We have ended our side. */
  | { readonly expectEnd: true }
  /** The next message. */
  | { readonly expectMessage: Message }
  /** How the connection was closed. */
  | { readonly expectClosed: Clean | Unclean };

export interface Clean {
  readonly closeCode: number;
  readonly reason: string;
}

export interface Unclean {
  readonly error: FrameFailure | "connection-lost";
  readonly closeCode: number;
}

/** What steps are written with: the peer's frames, and one that is masked where it should not be or the reverse. */
export interface Peer {
  readonly from: typeof frame;
  readonly wrong: (opcode: number, payload: readonly number[]) => string;
}

/** The same conversation with either role. */
export function both(
  name: string,
  section: string,
  steps: (peer: Peer) => readonly Step[],
  more: Partial<DialogueRow> = {},
): DialogueRow[] {
  return (["server", "client"] as const).flatMap((role) => as(role, `${name}, as ${role}`, section, steps, more));
}

/** A conversation with one role. */
export function as(
  role: FrameRow["role"],
  name: string,
  section: string,
  steps: (peer: Peer) => readonly Step[],
  more: Partial<DialogueRow> = {},
): DialogueRow[] {
  const wrong: Peer["wrong"] = (opcode, payload) => frame(opcode, payload, { key: role === "server" ? null : KEY });
  return [{ ...more, name, section, role, steps: steps({ from: toward(role), wrong }) }];
}
