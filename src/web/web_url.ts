// The URL of the web's classes (WHATWG WebSockets §3.1, «get a URL record»). It is absolute, unless the program has a place,
// as a page does, or a program that is started with `deno run --location`.

import { webSocketUrl } from "../handshake/url.ts";

/**
 * Parses the URL that a constructor is given, relative to where the program is: http becomes ws, and https becomes wss.
 *
 * @throws {DOMException} `SyntaxError` when it is no URL, is relative where there is nothing to be relative to, has another scheme, or has a fragment.
 * @throws {TypeError} When it can't be made a string.
 */
export function webUrl(url: string | URL): URL {
  const text = `${url}`.toWellFormed(), base = (globalThis as { location?: { href?: unknown } }).location?.href;
  const parsed = base === undefined ? undefined : URL.parse(text, `${base}`);
  return new URL(webSocketUrl(parsed ?? text).href.replace(/^http/, "ws"));
}
