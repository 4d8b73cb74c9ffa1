import { encodeBase64 } from "@std/encoding/base64";
import { quote } from "../errors/problem.ts";

/** The URL of a WebSocket (RFC 6455 §3) with the scheme of its handshake. */
export function webSocketUrl(url: string | URL): URL {
  const parsed = URL.parse(url);
  const wrong = parsed === null
    ? "it is not a URL"
    : !/^(?:wss?|https?):$/.test(parsed.protocol)
    ? `its scheme is ${quote(parsed.protocol)}`
    : parsed.hash !== "" || parsed.href.endsWith("#")
    ? "it has a fragment"
    : undefined;
  // Without a password, if it has one
  const shown = quote(String(url).replace(/^.*@/s, "…@"));
  if (wrong) throw new DOMException(`Cannot use the URL ${shown}: ${wrong}`, "SyntaxError");
  return new URL(parsed!.href.replace(/^ws/, "http"));
}

/** User and password of a URL, if it has them, as RFC 7617 credentials. */
export function basicOf(url: URL): string | undefined {
  if (url.username === "" && url.password === "") return undefined;
  const [user, password] = [url.username, url.password].map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part; // not percent-encoded UTF-8: as it stands
    }
  });
  if (user!.includes(":")) throw new DOMException("Cannot use the URL: its user name has a colon", "SyntaxError");
  return "Basic " + encodeBase64(new TextEncoder().encode(`${user}:${password}`));
}
