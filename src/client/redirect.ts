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
  const location = response.headers.get("location")!;
  const refused = (why: string): Problem => ({
    failure: "redirect-refused",
    detail: `the status is ${response.status}, and Location is ${quote(location)}: ${why}`,
  });
  const plain = new URL(from);
  plain.username = plain.password = "";
  const parsed = URL.parse(location, plain);
  if (!parsed || !/^(?:wss?|https?):$/.test(parsed.protocol)) return refused("that is no URL of a WebSocket");
  // RFC 9110 §4.2.4: user information in a URL that somebody else gives is to be treated as an error
  if (parsed.username !== "" || parsed.password !== "") return refused("it has user information");
  const url = new URL(parsed.href.replace(/^ws/, "http"));
  url.hash = ""; // RFC 9110 §10.2.2: a fragment is for whoever shows the result, and not sent
  if (from.protocol === "https:" && url.protocol === "http:") return refused("from wss: it leads to ws:");
  if (url.origin === from.origin) {
    url.username = from.username;
    url.password = from.password;
  }
  return url;
}
