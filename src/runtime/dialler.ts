// The interface of each runtime's dialler, and the errors that all of them use.

import { ExchangeError } from "../errors/problem.ts";
import type { ByteConnection } from "../transport/transport.ts";

/** Where to connect to: a host and a port, or the path of a Unix socket. */
export type Address = { readonly hostname: string; readonly port: number } | { readonly unix: string };

/** How to do TLS. The peer's certificate is always verified. */
export interface Tls {
  /** The host that the certificate must be for: a name, which is also sent as SNI, or an IP address, which is not. */
  readonly hostname: string;
  /** Certificate authorities in PEM that are trusted in addition to the runtime's. */
  readonly caCerts: readonly string[];
  /** Our own certificate and its key, in PEM. */
  readonly client?: { readonly cert: string; readonly key: string } | undefined;
}

/** Dials on one runtime. Each method rejects with an {@linkcode ExchangeError}, or with the signal's reason. */
export interface Dialler {
  /** Connects; with TLS, resolves once its handshake is done. */
  connect(address: Address, tls: Tls | undefined, signal: AbortSignal): Promise<ByteConnection>;
  /** Does the TLS handshake over a connection of `connect()`, from which nothing is being read or written. */
  startTls(conn: ByteConnection, tls: Tls, signal: AbortSignal): Promise<ByteConnection>;
}

/** The error of a connection that could not be made. */
export function dialFailed(address: Address, cause: unknown): ExchangeError {
  const where = "unix" in address ? address.unix : `${address.hostname} port ${address.port}`;
  return new ExchangeError("dial-failed", `could not connect to ${where}: ${messageOf(cause)}`, { cause });
}

/** What OpenSSL, BoringSSL and rustls say of an answer that is no TLS, such as a 400 in plain HTTP. */
const NO_TLS = /wrong.version.number|http.request|packet.length.too.long|InvalidContentType/i;

/** The error of a TLS handshake that failed. */
export function tlsFailed({ hostname }: Tls, cause: unknown): ExchangeError {
  const said = messageOf(cause),
    why = NO_TLS.test(said) ? `the server answers without TLS, try ws: (${said.trim()})` : said;
  return new ExchangeError("tls-failed", `the TLS handshake with ${hostname} failed: ${why}`, { cause });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
