// Dials with node:net and node:tls: on Node, and on Deno where its own sockets lack an option.

import { connect as connectTcp, isIP } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { unlessAborted } from "../base/abort.ts";
import { ExchangeError } from "../errors/problem.ts";
import { dialFailed, type Dialler, endedEarly, type Tls, tlsFailed } from "./dialler.ts";
import { caOption } from "./node_ca.ts";
import { identityError } from "./node_identity.ts";
import { NodeSocketConnection } from "./node_socket.ts";

/** The {@linkcode Dialler} of Node. */
export const nodeDialler: Dialler = {
  async connect(address, tls, signal) {
    const where = "unix" in address ? { path: address.unix } : { host: address.hostname, port: address.port };
    const socket = connectTcp({ ...where, allowHalfOpen: true });
    await waitFor(socket, "connect", signal, (error) => dialFailed(address, error));
    const unix = "unix" in address ? address.unix : undefined;
    return new NodeSocketConnection(tls ? await startTls(socket, tls, signal) : socket, false, unix);
  },
  async startTls(conn, tls, signal) {
    return new NodeSocketConnection(await startTls((conn as NodeSocketConnection).detach(), tls, signal));
  },
};

/**
 * Does the TLS handshake over a socket; gives the socket that is used from then on.
 *
 * @param alpn The protocols to offer (RFC 7301), the preferred one first.
 */
export async function startTls(
  socket: Duplex,
  tls: Tls,
  signal: AbortSignal,
  alpn: string[] = [],
): Promise<Duplex> {
  const { hostname, caCerts, client } = tls;
  const options: ConnectionOptions = {
    socket,
    host: hostname,
    rejectUnauthorized: true,
    checkServerIdentity: identityError,
    ...client,
    ...(alpn.length > 0 && { ALPNProtocols: alpn }),
  };
  // Only names are sent as SNI (RFC 6066 §3); the certificate is checked against a name and an address alike
  if (isIP(hostname) === 0) options.servername = hostname;
  if (caCerts.length > 0) options.ca = caOption(caCerts);
  let secure: Duplex;
  try {
    secure = connectTls(options); // throws when it can't use the certificate or the key
    secure.allowHalfOpen = true;
    await waitFor(secure, "secureConnect", signal, (error) => tlsFailed(tls, error));
  } catch (error) {
    socket.destroy();
    throw error instanceof ExchangeError || signal.aborted ? error : tlsFailed(tls, error);
  }
  return secure;
}

/** Waits for an event. When the socket fails or closes first, or the signal aborts, the socket is destroyed. */
async function waitFor(
  socket: Duplex,
  event: string,
  signal: AbortSignal,
  errorOf: (cause: unknown) => Error,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onError = (error: Error) => reject(errorOf(error));
  const onClose = () => reject(errorOf(endedEarly()));
  socket.once(event, resolve).on("error", onError).on("close", onClose);
  try {
    await unlessAborted(promise, signal);
    socket.off("error", onError);
  } catch (error) {
    socket.destroy(); // its error listener stays, which keeps a late error from being uncaught
    throw error;
  } finally {
    socket.off(event, resolve).off("close", onClose);
  }
}
