// The URL of a WebSocket (RFC 6455 §3) to the http or https URL of its handshake, and to the credentials in it.

import { encodeBase64 } from "../base/base64.ts";
import { quote } from "../errors/problem.ts";
import { isOfHost, quoteUrl, whyNoUrl } from "./bad_url.ts";

/**
 * Checks the URL of a WebSocket, and turns ws into http, and wss into https.
 *
 * @throws {DOMException} `SyntaxError` when it is not a URL, has another scheme, or has a fragment.
 */
export function webSocketUrl(url: string | URL): URL {
  const parsed = URL.parse(url), wrong = findUnusable(url, parsed);
  if (!parsed || wrong) throw new DOMException(`Cannot use the URL ${quoteUrl(url)}: ${wrong}`, "SyntaxError");
  return new URL(parsed.href.replace(/^ws/, "http"));
}

function findUnusable(url: string | URL, parsed: URL | null): string | undefined {
  if (!isOfHost(parsed)) return whyNoUrl(url, "ws:");
  if (!/^(?:wss?|https?):$/.test(parsed.protocol)) {
    return `its scheme is ${quote(parsed.protocol)}, where ws: or wss: is needed`;
  }
  if (parsed.hash !== "" || parsed.href.endsWith("#")) {
    return "it has a fragment (RFC 6455 §3): leave it out, or write # as %23";
  }
  return undefined;
}

/**
 * The user name and the password of a URL as Basic authentication (RFC 7617), if it has them.
 *
 * @throws {DOMException} `SyntaxError` when the user name has a colon.
 */
export function basicOf(url: URL): string | undefined {
  if (url.username === "" && url.password === "") return undefined;
  const [user, password] = [url.username, url.password].map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part; // not percent-encoded UTF-8: taken literally
    }
  });
  if (user!.includes(":")) { // §2
    throw new DOMException(`Cannot use the URL ${quoteUrl(url)}: its user name has a colon`, "SyntaxError");
  }
  return "Basic " + encodeBase64(new TextEncoder().encode(`${user}:${password}`));
}
