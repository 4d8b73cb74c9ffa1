// Dials a URL: TCP or a unix socket, through a proxy where one is asked for, and TLS. What differs between the runtimes is
// in runtime/, in a file for each, which is loaded when it is first used.

import type { CheckedDialOptions } from "./dial_options.ts";
import { requestTunnel } from "./proxy.ts";
import { ExchangeError } from "../errors/problem.ts";
import { transportOf } from "../runtime/choose.ts";
import { diallerFor } from "../runtime/sockets.ts";
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
  const { unix, proxy } = options, { hostname, port, tls } = addressOf(url, options);
  const dialler = await diallerFor(tls, proxy !== undefined, unix !== undefined);
  signal.throwIfAborted(); // what is given up already is not begun
  if (!proxy) {
    const conn = await dialler.connect(unix === undefined ? { hostname, port } : { unix }, tls, signal);
    return { transport: transportOf(conn), prefix: undefined };
  }
  const conn = await dialler.connect(proxy, undefined, signal);
  const prefix = await requestTunnel(transportOf(conn), proxy, `${url.hostname}:${port}`, signal);
  if (!tls) return { transport: transportOf(conn), prefix };
  if (prefix.length > 0) {
    transportOf(conn).abort();
    throw new ExchangeError("proxy-refused", "the proxy sent data before the TLS handshake");
  }
  return { transport: transportOf(await dialler.startTls(conn, tls, signal)), prefix: undefined };
}

/** Where to connect to, and how to do TLS. */
export interface Destination {
  readonly hostname: string;
  readonly port: number;
  readonly tls: Tls | undefined;
}

/**
 * What a URL says about that.
 *
 * @throws {ExchangeError} When nobody can listen there.
 */
export function addressOf(url: URL, { unix, caCerts, client }: CheckedDialOptions): Destination {
  const hostname = url.hostname.replace(/^\[|\]$/g, ""), port = portOf(url);
  if (unix === undefined && port === 0) throw noPort(hostname);
  const tls = url.protocol === "https:" ? { hostname: tlsNameOf(hostname), caCerts, client } : undefined;
  return { hostname, port, tls };
}

/** The port; a URL leaves out the default one of its scheme (RFC 6455 §3). */
function portOf({ port, protocol }: URL): number {
  return port === "" ? protocol === "https:" ? 443 : 80 : Number(port);
}

/**
 * Port 0 is reserved (RFC 6335 §6): nobody listens there, and systems take it for «any». That is found here and not in the
 * check of the URL, since a redirect may lead there, and a `conn` or a unix socket is not dialled by a port.
 */
function noPort(hostname: string): ExchangeError {
  const message = `could not connect to ${hostname} port 0: the port is reserved`;
  return new ExchangeError("dial-failed", message, { retryable: false });
}

/**
 * The name of a host in TLS. An absolute DNS name ends with a dot, in the URL and in Host; SNI and certificates have the
 * name «without a trailing dot» (RFC 6066 §3). International names are ASCII here, and addresses in their shortest form:
 * the URL parser has seen to that.
 */
function tlsNameOf(hostname: string): string {
  return hostname.replace(/\.$/, "");
}
