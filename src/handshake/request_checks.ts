// What a server must find in the request of an upgrade (RFC 6455 §4.2.1, §4.2.2), in the order of the RFC: the first rule
// that is broken decides the failure. What only the bytes of a head can show was checked when they were parsed.

import type { HandshakeFailure } from "../errors/failures.ts";
import type { RequestHead } from "../errors/handshake_error.ts";
import { badField, type Problem, quote } from "../errors/problem.ts";
import { listHas, parseExtensions, parseTokens } from "../http/field_values.ts";
import { rememberLast } from "../http/remember_last.ts";
import { headOf, problemOf } from "../http/request_head.ts";
import { isAllowedOrigin, type Origins } from "./origin.ts";

/** 16 bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/** Browsers all send the same. */
const isExtensionList = rememberLast((value) => parseExtensions(value) !== undefined);

/** What is wrong with the value of a field, which is `null` when there is none. */
type FieldCheck = (value: string | null) => HandshakeFailure | undefined;

/** Rows of the table: the name of a field, and its check. */
export type FieldRows = readonly (readonly [name: string, check: FieldCheck])[];

/** What is asked for by every version of HTTP. */
export const COMMON_FIELDS: FieldRows = [
  // RFC 6455 §4.2.1 (6), §4.2.2 (4)
  [
    "Sec-WebSocket-Version",
    (value) => value === null ? "version-missing" : value === "13" ? undefined : "version-unsupported",
  ],
  // §4.2.1 (8)
  ["Sec-WebSocket-Protocol", (value) => value === null || parseTokens(value) ? undefined : "protocol-malformed"],
  // §4.2.1 (9), §9.1
  [
    "Sec-WebSocket-Extensions",
    (value) => value === null || isExtensionList(value) ? undefined : "extension-malformed",
  ],
  // RFC 6454 §7.3: one origin; several lines were joined
  ["Origin", (value) => value?.includes(",") ? "head-malformed" : undefined],
];

const FIELDS: FieldRows = [
  // RFC 9110 §9.3.1
  ["Content-Length", (value) => value === null || /^0+$/.test(value) ? undefined : "body-present"],
  ["Transfer-Encoding", (value) => value === null ? undefined : "body-present"],
  // §4.2.1 (3), (4)
  ["Upgrade", (value) => listHas(value, "websocket") ? undefined : "upgrade-missing"],
  ["Connection", (value) => listHas(value, "upgrade") ? undefined : "connection-missing"],
  // §4.2.1 (5)
  ["Sec-WebSocket-Key", (value) => value === null ? "key-missing" : KEY.test(value) ? undefined : "key-invalid"],
  ...COMMON_FIELDS,
];

/** The first field that its row finds wrong. */
export type FindBadField = (request: RequestHead) => Problem | undefined;

/** Makes the check of a table; names are looked up in lower case. */
export function fieldsChecker(table: FieldRows): FindBadField {
  const rows = table.map(([name, check]) => ({ name, key: name.toLowerCase(), check }));
  return ({ headers }) => {
    for (const { name, key, check } of rows) {
      const value = headers.get(key), failure = check(value);
      // Some clients, a browser's among them, have no other field for a token than this: it is not for a log
      if (failure === "protocol-malformed") return { failure, detail: `${name} is no list of different tokens` };
      if (failure) return badField(failure, name, value);
    }
    return undefined;
  };
}

const checkFields = fieldsChecker(FIELDS);

/** The first rule that a request breaks, if there is one. */
export function findProblem(request: RequestHead, origins: Origins): Problem | undefined {
  return problemOf(request) ?? checkRequestLine(request) ?? checkFields(request) ?? checkOrigin(request, origins);
}

/** §4.2.1 (1): a GET of HTTP/1.1 or higher. */
function checkRequestLine(request: RequestHead): Problem | undefined {
  const head = headOf(request);
  // RFC 9110 §7.8: a server ignores Upgrade in HTTP/1.0
  if (head?.version === "1.0") {
    return { failure: "http-version-unsupported", detail: "the version is HTTP/1.0", status: 426 };
  }
  const { method } = head ?? request; // a `Request` shows «get» as GET
  return method === "GET" ? undefined : { failure: "method-not-get", detail: `the method is ${quote(method)}` };
}

/** §4.2.2 (4), §10.2: an error says what the origin was compared with, since a proxy may have changed the Host. */
export function checkOrigin(request: RequestHead, origins: Origins): Problem | undefined {
  const { headers } = request, origin = headers.get("origin");
  if (origin === null) return undefined;
  const head = headOf(request);
  // The usual case, at a third of the cost: the authority of a head that was read is one of a URL
  if (head && origins === "same-host" && isOriginOf(head.authority, origin)) return undefined;
  const authority = head?.authority ?? headers.get("host") ?? URL.parse(request.url)?.host ?? "";
  if (isAllowedOrigin(origin, authority, origins)) return undefined;
  const why = origins === "same-host"
    ? `not of ${quote(authority)}, which the request was sent to, nor listed in the option origins`
    : `not listed in the option origins; the request was sent to ${quote(authority)}`;
  return { failure: "origin-refused", detail: `Origin is ${quote(origin)}, ${why}` };
}

/** Whether an origin is that of an authority, with either scheme, as it is written. */
function isOriginOf(authority: string, origin: string): boolean {
  return origin.endsWith(authority) && (origin === `http://${authority}` || origin === `https://${authority}`);
}
