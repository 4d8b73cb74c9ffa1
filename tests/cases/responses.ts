// Every row about the answer to an upgrade request: bytes to the client, and whether it agrees to them or what it
// refuses them for (RFC 6455 §4.1, RFC 7692 §5, RFC 9110, RFC 9112). What a row says is written at `ResponseRow`.

import type { ResponseRow } from "./responses_base.ts";
import { bodies, statuses } from "./responses_body.ts";
import { deflateAnswers } from "./responses_deflate.ts";
import { ends, fieldLines, interims, sizes, statusLines } from "./responses_head.ts";
import { accepts, extensionAnswers, order, protocols, rests, upgrades } from "./responses_upgrade.ts";

export type { ResponseOutcome, ResponseRow } from "./responses_base.ts";

export const responses: readonly ResponseRow[] = [
  ...statusLines,
  ...interims,
  ...fieldLines,
  ...sizes,
  ...ends,
  ...upgrades,
  ...accepts,
  ...extensionAnswers,
  ...deflateAnswers,
  ...protocols,
  ...rests,
  ...statuses,
  ...bodies,
  ...order,
];
