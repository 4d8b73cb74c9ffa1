// Every row about received frames: bytes to one end of a connection, and the events that come of them, in order
// (RFC 6455 §5 to §8, RFC 7692 §6, §7.2). What a row says is written at `FrameRow`.

import type { FrameRow } from "./frames_base.ts";
import { behind, codes, payloads } from "./frames_close.ts";
import {
  backward,
  blocks,
  corrupt,
  deflateExamples,
  ended,
  inflatedLimits,
  inflatedTexts,
  marks,
} from "./frames_deflate.ts";
import { examples, incomplete, lengths, limits, masks, opcodes, reserved } from "./frames_header.ts";
import { controls, fragmented, texts } from "./frames_message.ts";

export type { Event, FrameFailure, FrameRow } from "./frames_base.ts";

export const frames: readonly FrameRow[] = [
  ...examples,
  ...opcodes,
  ...reserved,
  ...masks,
  ...lengths,
  ...limits,
  ...incomplete,
  ...fragmented,
  ...controls,
  ...texts,
  ...payloads,
  ...codes,
  ...behind,
  ...deflateExamples,
  ...marks,
  ...backward,
  ...blocks,
  ...ended,
  ...corrupt,
  ...inflatedTexts,
  ...inflatedLimits,
];
