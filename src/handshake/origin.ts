// Whether web pages of an origin may open a WebSocket to this server (RFC 6455 §4.2.2 (4), §10.2). Browsers let every page
// open a WebSocket to every server and send that server's cookies, so this check is what keeps other sites out.

import { quote } from "../errors/problem.ts";

/**
 * The `origins` option (RFC 6455 §10.2): the host and port that the request was sent to, every origin, or a list of
 * allowed origins. A string in the list is a whole origin as browsers send it: a scheme, `://`, the host (in ASCII), and
 * the port unless it is the default one, or `null`; a regular expression must match a whole origin.
 *
 * @example A domain and its subdomains
 * ```ts
 * import { answer, offer, type Origins } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const origins: Origins = ["https://chat.example", /https:\/\/[a-z]+\.chat\.example/];
 * const statusFor = async (origin: string) => {
 *   const { request } = offer("ws://localhost/", { headers: { origin } });
 *   return (await answer(request, { origins })).response.status;
 * };
 *
 * assertEquals(await statusFor("https://eu.chat.example"), 101);
 * assertEquals(await statusFor("https://eu.chat.example.evil.example"), 403);
 * ```
 */
export type Origins = "same-host" | "any" | readonly (string | RegExp)[];

const DEFAULT_PORTS: Readonly<Record<string, string>> = { "http:": "80", "https:": "443", "ws:": "80", "wss:": "443" };

/**
 * Checks the option.
 *
 * @throws {TypeError} When it is neither `"same-host"` nor `"any"`, nor a list of regular expressions and of strings that an
 * Origin field can have.
 */
export function checkOrigins(origins: Origins): void {
  if (origins === "same-host" || origins === "any") return;
  if (!Array.isArray(origins)) {
    const shown = typeof origins === "string" ? `, ${quote(origins)} is neither` : "";
    throw new TypeError(
      `Cannot use the option origins: it must be "same-host", "any", or a list of strings and RegExps${shown}`,
    );
  }
  for (const origin of origins) {
    if (origin instanceof RegExp) continue;
    if (typeof origin !== "string") {
      throw new TypeError(`Cannot use the option origins: ${typeof origin} is neither a string nor a RegExp`);
    }
    const advice = adviceOn(origin);
    if (advice) {
      const shown = quote(origin);
      throw new TypeError(
        `Cannot use the option origins: no Origin field can equal ${shown} (RFC 6454 §6.2); ${advice}`,
      );
    }
  }
}

/** Schemes whose URLs have an origin (WHATWG URL); those of WebSockets are never a web page's. */
const WEB = /^(?:https?|wss?)$/;

/** What to write in place of a string that is no serialized origin: scheme, host, and port unless it is the default one. */
function adviceOn(origin: string): string | undefined {
  if (origin === "null") return undefined;
  if (origin === "*") return 'origins: "any" lets every origin in';
  if (origin === "any" || origin === "same-host") return `origins: ${quote(origin)} stands alone, not in a list`;
  if (origin.includes("*")) return "a regular expression can stand for several origins";
  const [, scheme, rest = ""] = /^([a-z][a-z\d+.-]*):\/\/(.*)$/is.exec(origin) ?? [];
  if (scheme === undefined) return suggestion(`https://${origin}`);
  // Little is known about other schemes, such as those of browser extensions
  if (!WEB.test(scheme.toLowerCase())) return /[\s/?#@]|[^\x21-\x7e]/.test(rest) ? "an origin has no path" : undefined;
  const parsed = URL.parse(origin);
  if (parsed?.origin === origin.toLowerCase() && /^https?$/i.test(scheme)) return undefined;
  return suggestion(origin.replace(/^ws/i, "http"));
}

function suggestion(url: string): string {
  const parsed = URL.parse(url);
  return parsed && parsed.hostname !== ""
    ? `${quote(parsed.origin)} can`
    : "it must be scheme://host, or scheme://host:port";
}

/**
 * Whether an origin may open a WebSocket.
 *
 * @param origin The value of the Origin field.
 * @param authority The host and port that the request was sent to.
 */
export function isAllowedOrigin(origin: string, authority: string, origins: Origins): boolean {
  if (origins === "any") return true;
  if (origins === "same-host") return isSameHost(origin, authority);
  return origins.some((allowed) =>
    typeof allowed === "string"
      ? allowed.toLowerCase() === origin.toLowerCase()
      : new RegExp(`^(?:${allowed.source})$`, allowed.flags.replace(/[gmy]/g, "")).test(origin)
  );
}

/** Compares host and port alone: behind a proxy that ends TLS, the scheme of the request is not known. */
function isSameHost(origin: string, authority: string): boolean {
  // The usual case, at half the cost
  if (/^[\w.:-]+$/.test(authority) && (origin === `http://${authority}` || origin === `https://${authority}`)) {
    return URL.canParse(origin);
  }
  const from = URL.parse(origin), to = URL.parse(`http://${authority}`);
  if (!from || !to || !/^[^:]+:\/\/[^/?#@]+$/.test(origin)) return false; // an origin is scheme, host and port only
  const fromPort = from.port || DEFAULT_PORTS[from.protocol];
  // From the string, since the URL drops «:80», which is not the default port of an https origin
  const toPort = /:(\d+)$/.exec(authority)?.[1] ?? DEFAULT_PORTS[from.protocol];
  return from.hostname === to.hostname && fromPort !== undefined && Number(fromPort) === Number(toPort);
}
