// The URL of the web's classes (WHATWG WebSockets §3.1, «get a URL record»). Outside a page there is no base: it is absolute.

import { webSocketUrl } from "../handshake/url.ts";

/**
 * Parses the URL that a constructor is given: http becomes ws, and https becomes wss.
 *
 * @throws {DOMException} `SyntaxError` when it is no absolute URL, has another scheme, or has a fragment.
 * @throws {TypeError} When it can't be made a string.
 */
export function webUrl(url: string | URL): URL {
  const text = `${url}`.toWellFormed();
  return new URL(webSocketUrl(text).href.replace(/^http/, "ws"));
}
