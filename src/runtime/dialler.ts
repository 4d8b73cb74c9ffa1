// What a runtime has to do for dialling, and what the files that do it have in common.

import { ExchangeError } from "../errors/problem.ts";
import { type ByteConnection } from "../transport/transport.ts";

/** Where to connect to. */
export type Address = { readonly hostname: string; readonly port: number } | { readonly unix: string };

/** How TLS is done. The peer's certificate is always verified. */
export interface Tls {
  /** The name that the certificate must have, also sent as SNI; or an IP address, which is not. */
  readonly hostname: string;
  /** Certificates in PEM that are trusted beside the runtime's. */
  readonly caCerts: readonly string[];
  /** Our own certificate and its key, in PEM. */
  readonly client?: { readonly cert: string; readonly key: string } | undefined;
}

/** What a runtime does. Each rejects with a {@linkcode ExchangeError}, or when the signal aborts. */
export interface Dialler {
  /** Connects, and does the TLS handshake where there is one. */
  connect(address: Address, tls: Tls | undefined, signal: AbortSignal): Promise<ByteConnection>;
  /** TLS over a connection of its own; nothing is being read from it or written to it. */
  startTls(conn: ByteConnection, tls: Tls, signal: AbortSignal): Promise<ByteConnection>;
}

/** The error of a connection that could not be made. */
export function dialFailed(address: Address, cause: unknown): ExchangeError {
  const where = "unix" in address ? address.unix : `${address.hostname} port ${address.port}`;
  return new ExchangeError("dial-failed", `there is no connection to ${where}: ${messageOf(cause)}`, { cause });
}

/** The error of a TLS handshake that failed. */
export function tlsFailed({ hostname }: Tls, cause: unknown): ExchangeError {
  return new ExchangeError("tls-failed", `the TLS handshake with ${hostname} failed: ${messageOf(cause)}`, { cause });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
