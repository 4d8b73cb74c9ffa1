// From a URL to a transport: TCP or a unix socket, through a proxy where one is asked for, and TLS. What each runtime does
// of that is in a file of its own in runtime/, which is loaded when it is first used.

import type { CheckedDialOptions } from "./dial_options.ts";
import { requestTunnel } from "./proxy.ts";
import { ExchangeError } from "../errors/problem.ts";
import { diallerFor, transportOf } from "../runtime/choose.ts";
import type { Tls } from "../runtime/dialler.ts";
import type { Transport } from "../transport/transport.ts";

/** A transport, and what was already read from it. */
export interface Dialled {
  readonly transport: Transport;
  readonly prefix: Uint8Array | undefined;
}

/**
 * Connects to the host of a URL.
 *
 * @param url With the scheme http or https.
 */
export async function dial(url: URL, options: CheckedDialOptions, signal: AbortSignal): Promise<Dialled> {
  const { unix, proxy, caCerts, client } = options;
  const isSecure = url.protocol === "https:";
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port) || (isSecure ? 443 : 80);
  const tls: Tls | undefined = isSecure ? { hostname, caCerts, client } : undefined;
  const dialler = await diallerFor(tls, proxy !== undefined, unix !== undefined);
  if (!proxy) {
    const conn = await dialler.connect(unix === undefined ? { hostname, port } : { unix }, tls, signal);
    return { transport: transportOf(conn), prefix: undefined };
  }
  const conn = await dialler.connect(proxy, undefined, signal);
  const prefix = await requestTunnel(transportOf(conn), proxy, `${url.hostname}:${port}`, signal);
  if (!tls) return { transport: transportOf(conn), prefix };
  if (prefix.length > 0) {
    transportOf(conn).abort();
    throw new ExchangeError("proxy-refused", "the proxy speaks in the tunnel, where a TLS server waits for its client");
  }
  return { transport: transportOf(await dialler.startTls(conn, tls, signal)), prefix: undefined };
}
