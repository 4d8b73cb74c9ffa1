// How an error message shows a URL that can't be used: without anything that may be a user name, a password or a token,
// and with what is wrong. It may be any string, so it is handled as text.

import { quote } from "../errors/problem.ts";

/** A scheme and two slashes, which a URL of a host begins with. */
const START = /^\s*(?:[a-z][a-z\d+.-]*:)?[/\\]{2}/i;

/** A host and a port with nothing in between that could be a user name and a password; what follows is a path. */
const HOST = /^(?:[^\s:@/?#\\%]*|\[[\da-f:.]*\]?)(?::\d{0,5})?(?=[/?#\\]|$)/i;

/** Quotes a URL for an error message: scheme, host, port and path; `…` in the place of what may be secret. */
export function quoteUrl(url: string | URL): string {
  const text = String(url), start = START.exec(text)?.[0] ?? "";
  // A password may have any character that somebody forgot to escape: it ends at the last @
  const rest = text.slice(start.length), at = rest.lastIndexOf("@") + 1;
  const place = rest.slice(at).replace(/\?[^]*/, "?…").replace(/#[^]*/, "#…");
  return quote(start + (at > 0 ? "…@" : "") + (HOST.test(place) ? place : "…"));
}

/**
 * Why text is not the URL of a host.
 *
 * @param scheme What it was most likely meant to begin with.
 */
export function whyNoUrl(url: string | URL, scheme: "ws:" | "http:"): string {
  if (typeof url !== "string") return "it is not a string and not a URL of a host";
  const text = url.trim();
  if (text === "") return "it is empty";
  if (/^[a-z][a-z\d+.-]*:(?:[/\\]{2}|$)/i.test(text)) return "its host or its port is not valid";
  if (/^[/\\](?![/\\])/.test(text)) return "it has no scheme and no host";
  const meant = scheme + (text.startsWith("//") ? "" : "//") + text;
  return "it has no scheme" + (URL.canParse(meant) ? `, did you mean ${quoteUrl(meant)}?` : "");
}

/** Whether text was parsed as the URL of a host. `localhost:80` is not: that is a path of the scheme `localhost:`. */
export function isOfHost(parsed: URL | null): parsed is URL {
  return parsed !== null && START.test(parsed.href);
}
