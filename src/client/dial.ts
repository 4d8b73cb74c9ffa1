// From a URL to a connection: TCP or a unix socket, through a proxy where one is asked for, and TLS. What a runtime does of
// that is in a file of its own, which is loaded when it is used.

import { type CheckedDialOptions } from "./dial_options.ts";
import { tunnel } from "./proxy.ts";
import { ExchangeError } from "../errors/problem.ts";
import { diallerFor, transportOf } from "../runtime/choose.ts";
import { type ByteConnection } from "../transport/transport.ts";

/** A connection, and what was read from it already. */
export interface Dialled {
  readonly conn: ByteConnection;
  readonly prefix: Uint8Array;
}

/**
 * Connects to the host of a URL.
 *
 * @param url With the scheme http or https.
 */
export async function dial(url: URL, options: CheckedDialOptions, signal: AbortSignal): Promise<Dialled> {
  const isSecure = url.protocol === "https:";
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  const target = { hostname, port: Number(url.port) || (isSecure ? 443 : 80) };
  const tls = isSecure ? { hostname, caCerts: options.caCerts, client: options.client } : undefined;
  const { unix, proxy } = options;
  const dialler = await diallerFor(tls, proxy !== undefined, unix !== undefined);
  if (!proxy) {
    const conn = await dialler.connect(unix === undefined ? target : { unix }, tls, signal);
    return { conn, prefix: new Uint8Array() };
  }
  const conn = await dialler.connect(proxy, undefined, signal);
  const prefix = await tunnel(conn, proxy, url.hostname, target.port, signal);
  if (!tls) return { conn, prefix };
  if (prefix.length > 0) {
    transportOf(conn).abort();
    throw new ExchangeError("proxy-refused", "the proxy speaks in the tunnel, where a TLS server waits for its client");
  }
  return { conn: await dialler.startTls(conn, tls, signal), prefix };
}
