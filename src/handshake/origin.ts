// The origin of a request (RFC 6455 §4.2.2 (4), §10.2): who may open a WebSocket from a page.

/**
 * The `origins` option (RFC 6455 §10.2): the request's own host and port, every origin, or a list. A string of it is
 * a whole origin, a regular expression has to match a whole one.
 *
 * @example A domain and what is below it
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
 * @throws {TypeError} When it is neither a word nor a list of strings and regular expressions.
 */
export function checkOrigins(origins: Origins): void {
  const valid = origins === "same-host" || origins === "any" || Array.isArray(origins) &&
      origins.every((origin) => typeof origin === "string" || origin instanceof RegExp);
  if (!valid) {
    throw new TypeError('Cannot use the origins: they must be "same-host", "any", or a list of strings and RegExps');
  }
}

/**
 * Whether an origin is allowed.
 *
 * @param origin The value of the Origin field.
 * @param authority Host and port that were asked for.
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

/** Host and port only: behind a TLS proxy the scheme of the request is not known. */
function isSameHost(origin: string, authority: string): boolean {
  // As nearly always, and half the work
  if (/^[\w.:-]+$/.test(authority) && (origin === `http://${authority}` || origin === `https://${authority}`)) {
    return URL.canParse(origin);
  }
  const from = URL.parse(origin), to = URL.parse(`http://${authority}`);
  if (!from || !to || !/^[^:]+:\/\/[^/?#@]+$/.test(origin)) return false; // an origin is scheme, host and port alone
  const fromPort = from.port || DEFAULT_PORTS[from.protocol];
  // The URL drops «:80», which is not the default port of an https origin
  const toPort = /:(\d+)$/.exec(authority)?.[1] ?? DEFAULT_PORTS[from.protocol];
  return from.hostname === to.hostname && fromPort !== undefined && Number(fromPort) === Number(toPort);
}
