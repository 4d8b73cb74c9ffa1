// A row of the upgrade requests as an extended CONNECT, where one can carry it: Host is `:authority`, and Upgrade,
// Connection and the key are not there (RFC 8441 §5).

import type { ConnectRow, H2Fields } from "./connects.ts";
import { type RequestRow, requests } from "./requests.ts";

/** What is asked of parts that an extended CONNECT does not have. */
const NOT_OF_CONNECT = new Set<string>([
  ...["upgrade-missing", "connection-missing", "key-missing", "key-invalid", "method-not-get"],
  ...["http-version-unsupported", "host-missing", "host-invalid", "connection-closed"],
]);

const DROPPED = new Set(["host", "upgrade", "connection", "sec-websocket-key"]);

/** A row of both. */
export interface CarriedRow extends ConnectRow {
  readonly row: RequestRow;
}

/** The rows that an extended CONNECT can carry: those that a `Request` can. */
export const carried: readonly CarriedRow[] = requests.flatMap((row) => {
  const fields = row.evidence === "request" && !NOT_OF_CONNECT.has(row.expect) ? fieldsOf(row) : undefined;
  if (!fields) return [];
  const { name, section, expect, url, status = 0 } = row;
  const isSwitching = status === 101 || status === 426;
  const answered = Object.entries(row.fields).filter(([name]) => !/^(?:upgrade|connection|.*-accept)$/i.test(name));
  return [{
    name: `${name}, over HTTP/2`,
    section,
    fields,
    expect: expect as ConnectRow["expect"],
    status: isSwitching ? status === 101 ? 200 : 400 : status,
    answered: { ...Object.fromEntries(answered), upgrade: null, connection: null, "sec-websocket-accept": null },
    ...(isSmall(fields) && { isSendable: true as const }),
    ...(url !== undefined && { url }),
    row,
  }];
});

/** RFC 9113 §6.5.2: more than 64 KiB is more than HTTP/2 layers take by default. */
function isSmall(fields: H2Fields): boolean {
  return fields.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0) < 65536;
}

function fieldsOf({ bytes }: RequestRow): H2Fields | undefined {
  const [start = "", ...lines] = bytes.slice(0, bytes.indexOf("\r\n\r\n")).split("\r\n");
  const fields = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "")];
  });
  const names = fields.map(([name]) => name);
  // RFC 9113 §8.2.2: what is about such fields is malformed there, whatever they say
  if (["transfer-encoding", "te", "keep-alive", "proxy-connection"].some((name) => names.includes(name))) {
    return undefined;
  }
  const [, target = ""] = start.split(" ");
  if (!target.startsWith("/")) return undefined;
  // RFC 9110 §10.1.1, §8.6: a length that is wrong is found by the HTTP/2 layer itself
  if (names.includes("content-length") || names.includes("expect")) return undefined;
  const authority = fields.find(([name]) => name === "host")![1];
  return [
    [":method", "CONNECT"],
    [":protocol", "websocket"],
    [":scheme", "http"],
    [":authority", authority],
    [":path", target],
    ...fields.filter(([name]) => !DROPPED.has(name)),
  ];
}
