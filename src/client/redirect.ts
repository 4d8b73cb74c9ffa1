// Where a response sends a client (RFC 9110 §15.4), and whether it may go there.

import { type ResponseHead } from "../errors/handshake_error.ts";
import { type Problem, quote } from "../errors/problem.ts";

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Whether a response says that the resource is elsewhere, and where. */
export function isRedirect({ status, headers }: ResponseHead): boolean {
  return REDIRECTS.has(status) && headers.get("location") !== null;
}

/**
 * The URL to go to.
 *
 * @param from Where the response came from, with the scheme http or https.
 * @returns The URL, with the scheme http or https; user and password only for the same origin.
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
  // RFC 9110 §4.2.4: from somebody else, user information is an error
  if (parsed.username !== "" || parsed.password !== "") return refused("it has user information");
  const url = new URL(parsed.href.replace(/^ws/, "http"));
  url.hash = ""; // RFC 9110 §10.2.2: for whoever shows what comes, and not part of a request
  if (from.protocol === "https:" && url.protocol === "http:") return refused("from wss: it leads to ws:");
  if (url.origin === from.origin) {
    url.username = from.username;
    url.password = from.password;
  }
  return url;
}
