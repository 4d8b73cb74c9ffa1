// The URL of a WebSocket (RFC 6455 §3) to the http or https URL of its handshake, and to the credentials in it.

import { encodeBase64 } from "@std/encoding/base64";
import { quote } from "../errors/problem.ts";

/**
 * Checks the URL of a WebSocket, and turns ws into http, and wss into https.
 *
 * @throws {DOMException} `SyntaxError` when it is not a URL, has another scheme, or has a fragment.
 */
export function webSocketUrl(url: string | URL): URL {
  const parsed = URL.parse(url);
  if (!parsed) throw badUrl(url, "it is not a URL");
  if (!/^(?:wss?|https?):$/.test(parsed.protocol)) throw badUrl(url, `its scheme is ${quote(parsed.protocol)}`);
  if (parsed.hash !== "" || parsed.href.endsWith("#")) throw badUrl(url, "it has a fragment");
  return new URL(parsed.href.replace(/^ws/, "http"));
}

/** Shows the URL without its user name and password. */
function badUrl(url: string | URL, why: string): DOMException {
  const shown = quote(String(url).replace(/^.*@/s, "…@"));
  return new DOMException(`Cannot use the URL ${shown}: ${why}`, "SyntaxError");
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
  if (user!.includes(":")) throw new DOMException("Cannot use the URL: its user name has a colon", "SyntaxError");
  return "Basic " + encodeBase64(new TextEncoder().encode(`${user}:${password}`));
}
