// Every conversation on a connection after the upgrade: steps of both ends, and what must have come of them by then
// (RFC 6455 §5 to §8). What a row says is written at `DialogueRow` and `Step`.

import type { DialogueRow } from "./dialogues_base.ts";
import { ours, pings as closingPings, theirs } from "./dialogues_close.ts";
import { failures, losses } from "./dialogues_fail.ts";
import { echoes, pings } from "./dialogues_open.ts";

export type { Clean, DialogueRow, Message, Sent, Step, Unclean } from "./dialogues_base.ts";

export const dialogues: readonly DialogueRow[] = [
  ...echoes,
  ...pings,
  ...theirs,
  ...ours,
  ...closingPings,
  ...losses,
  ...failures,
];
