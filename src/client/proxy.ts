// A tunnel through an HTTP proxy, which is asked for with the CONNECT method (RFC 9110 §9.3.6, RFC 6455 §4.1 (3)).

import { systemClock } from "../base/clock.ts";
import { ExchangeError, quote } from "../errors/problem.ts";
import { Exchange } from "../exchange/exchange.ts";
import { readFinal } from "../exchange/read_head.ts";
import { isOfHost, quoteUrl, whyNoUrl } from "../handshake/bad_url.ts";
import { basicOf } from "../handshake/url.ts";
import { toResponse } from "../http/response.ts";
import { writeHead } from "../http/write_head.ts";
import type { Transport } from "../transport/transport.ts";

/** Where a proxy is, and how to log in to it. */
export interface Proxy {
  readonly hostname: string;
  readonly port: number;
  /** The value of Proxy-Authorization. */
  readonly authorization: string | undefined;
}

/**
 * Parses the `proxy` option.
 *
 * @throws {TypeError} When it is not the URL of an HTTP proxy.
 */
export function parseProxy(value: string | URL): Proxy {
  const url = URL.parse(value), wrong = findUnusable(value, url);
  if (!url || wrong) throw new TypeError(`Cannot use the proxy ${quoteUrl(value)}: ${wrong}`);
  const { hostname, port } = url;
  return { hostname: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 80), authorization: basicOf(url) };
}

function findUnusable(value: string | URL, url: URL | null): string | undefined {
  if (!isOfHost(url)) return whyNoUrl(value, "http:");
  if (url.protocol !== "http:") return `its scheme is ${quote(url.protocol)}, only http: proxies are supported`;
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") return "it has more than a host and a port";
  if (url.port === "0") return "its port is 0, which is reserved (RFC 6335 §6)";
  if (/%3a/i.test(url.username)) return "its user name has a colon (RFC 7617 §2)";
  return undefined;
}

/** The largest head that a proxy may answer with, in bytes. */
const MAX_HEAD = 16384;

/**
 * Asks a proxy for a tunnel, over a connection to it. That is released at the end, and leads through the tunnel.
 *
 * @param authority Host and port of the other end; an IPv6 address is in brackets.
 * @returns Bytes that were read after the proxy's answer: they come from the other end.
 */
export async function requestTunnel(
  transport: Transport,
  proxy: Proxy,
  authority: string,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const exchange = new Exchange(transport, { clock: systemClock, timeout: 0, signal });
  try {
    const fields: [string, string][] = [["Host", authority]];
    if (proxy.authorization) fields.push(["Proxy-Authorization", proxy.authorization]);
    await exchange.write(writeHead(`CONNECT ${authority} HTTP/1.1`, fields));
    const head = await readFinal(exchange, MAX_HEAD, "CONNECT");
    if ("failure" in head) {
      throw new ExchangeError("proxy-refused", `the proxy's response is malformed: ${head.detail}`);
    }
    if (head.status < 200 || head.status > 299) {
      const response = head.status === 101 ? undefined : toResponse(head, null);
      throw new ExchangeError("proxy-refused", `the proxy answers with the status ${head.status}`, { response });
    }
    exchange.release();
    return exchange.rest;
  } catch (error) {
    exchange.abort();
    throw error;
  }
}
