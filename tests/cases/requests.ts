// Every row about an upgrade request: bytes to the server, and whether it accepts them or what it refuses them for
// (RFC 6455 §4.2, RFC 7692 §5, RFC 9110, RFC 9112). What a row says is written at `RequestRow`.

import type { RequestRow } from "./requests_base.ts";
import { deflateOffers } from "./requests_deflate.ts";
import { bodies, expectations, hosts, rests, sizes, syntax } from "./requests_fields.ts";
import { ends, limits, methods, requestLines, targets, versions } from "./requests_line.ts";
import { extensionOffers, subprotocols } from "./requests_offer.ts";
import { listed, sameHost } from "./requests_origin.ts";
import { connections, keys, order, upgrades, versions13 } from "./requests_upgrade.ts";

export type { RequestOptions, RequestOutcome, RequestRow } from "./requests_base.ts";

export const requests: readonly RequestRow[] = [
  ...requestLines,
  ...targets,
  ...versions,
  ...methods,
  ...ends,
  ...limits,
  ...syntax,
  ...sizes,
  ...rests,
  ...hosts,
  ...bodies,
  ...expectations,
  ...upgrades,
  ...connections,
  ...keys,
  ...versions13,
  ...subprotocols,
  ...extensionOffers,
  ...deflateOffers,
  ...sameHost,
  ...listed,
  ...order,
];
