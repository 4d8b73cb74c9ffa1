// Redirects (RFC 9110 §15.4): where a response sends us, and whether we may go there.

import type { ResponseHead } from "../errors/handshake_error.ts";
import { type Problem, quote } from "../errors/problem.ts";

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Whether a response is a redirect that says where to go. */
export function isRedirect({ status, headers }: ResponseHead): boolean {
  return REDIRECTS.has(status) && headers.get("location") !== null;
}

/**
 * The URL that a redirect leads to, or why it must not be followed.
 *
 * @param from The URL that was asked for, with the scheme http or https.
 * @returns A URL with the scheme http or https. It keeps user and password only within an origin.
 */
export function redirected(from: URL, response: ResponseHead): URL | Problem {
  const value = response.headers.get("location")!, location = decodeLocation(value);
  const refused = (why: string): Problem => ({
    failure: "redirect-refused",
    detail: `the status is ${response.status}, and Location is ${quote(location ?? value)}: ${why}`,
  });
  if (location === undefined) return refused("its bytes are neither ASCII nor UTF-8");
  const plain = new URL(from);
  plain.username = plain.password = "";
  const parsed = URL.parse(location, plain);
  if (!parsed || !/^(?:wss?|https?):$/.test(parsed.protocol)) return refused("it is not the URL of a WebSocket");
  // RFC 9110 §4.2.4: user information in a URL that somebody else gives is to be treated as an error
  if (parsed.username !== "" || parsed.password !== "") return refused("it has user information");
  const url = new URL(parsed.href.replace(/^ws/, "http"));
  url.hash = ""; // RFC 9110 §10.2.2: a fragment is never sent
  if (from.protocol === "https:" && url.protocol === "http:") {
    return refused("it leads from wss: to ws:, which is not encrypted");
  }
  if (url.origin === from.origin) {
    url.username = from.username;
    url.password = from.password;
  }
  return url;
}

const UTF_8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The text of a Location, whose bytes are characters here. A URL is ASCII (RFC 9110 §10.2.2), but many servers write UTF-8,
 * and browsers and curl take it so. No other field is decoded like this.
 *
 * @returns `undefined` when the bytes are not UTF-8.
 */
function decodeLocation(bytes: string): string | undefined {
  try {
    return UTF_8.decode(Uint8Array.from(bytes, (char) => char.charCodeAt(0)));
  } catch {
    return undefined;
  }
}
