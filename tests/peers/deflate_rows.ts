// What compression is agreed on with real peers: each size of window that all of them have, and each parameter (RFC
// 7692 §7.1).

import type { Deflate } from "./programs/program.ts";

/** What is set on our side, and on theirs where there is something to be set. */
export interface Row {
  readonly ours: Deflate;
  readonly theirs: Deflate;
}

export const rows: readonly Row[] = [
  { ours: {}, theirs: {} },
  // The sum is the same, so that nobody can take one side's window for that of the other
  ...[9, 10, 11, 12, 13, 14, 15].map((bits) => ({
    ours: { serverMaxWindowBits: bits, clientMaxWindowBits: 24 - bits },
    theirs: {},
  })),
  { ours: { serverMaxWindowBits: 9 }, theirs: {} },
  { ours: { clientMaxWindowBits: 9 }, theirs: {} },
  { ours: { serverNoContextTakeover: true }, theirs: {} },
  { ours: { clientNoContextTakeover: true }, theirs: {} },
  {
    ours: {
      serverMaxWindowBits: 10,
      clientMaxWindowBits: 9,
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
    },
    theirs: {},
  },
  { ours: {}, theirs: { serverMaxWindowBits: 11, clientMaxWindowBits: 12 } },
  { ours: {}, theirs: { serverNoContextTakeover: true, clientNoContextTakeover: true } },
];

/** Those in which nothing is set on their side: not every peer can be told. */
export const ownRows = rows.filter(({ theirs }) => Object.keys(theirs).length === 0);

/** What is agreed, in the words of the response: what either has said. */
export function agreed({ ours, theirs }: Row): Required<Deflate> {
  const least = (name: "serverMaxWindowBits" | "clientMaxWindowBits") => Math.min(ours[name] ?? 15, theirs[name] ?? 15);
  const either = (name: "serverNoContextTakeover" | "clientNoContextTakeover") => ours[name] || theirs[name] || false;
  return {
    serverMaxWindowBits: least("serverMaxWindowBits"),
    clientMaxWindowBits: least("clientMaxWindowBits"),
    serverNoContextTakeover: either("serverNoContextTakeover"),
    clientNoContextTakeover: either("clientNoContextTakeover"),
  };
}

/** What a response says; a window that is not mentioned has 15 bits (RFC 7692 §7.1.2). */
export function read(extensions: string): Required<Deflate> | string {
  const [name, ...given] = extensions.split(";").map((part) => part.trim());
  if (name !== "permessage-deflate") return extensions;
  const parameters = new Map(given.map((part) => [part.split("=")[0]!, part.split("=")[1]]));
  return {
    serverMaxWindowBits: Number(parameters.get("server_max_window_bits") ?? 15),
    clientMaxWindowBits: Number(parameters.get("client_max_window_bits") ?? 15),
    serverNoContextTakeover: parameters.has("server_no_context_takeover"),
    clientNoContextTakeover: parameters.has("client_no_context_takeover"),
  };
}
