// Dialling by Node's modules.

import { connect as connectTcp, isIP } from "node:net";
import { type Duplex } from "node:stream";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { unlessAborted } from "../base/abort.ts";
import { ExchangeError } from "../errors/problem.ts";
import { dialFailed, type Dialler, type Tls, tlsFailed } from "./dialler.ts";
import { trusted } from "./node_ca.ts";
import { NodeSocketConnection } from "./node_socket.ts";

/** See the head of the file. */
export const nodeDialler: Dialler = {
  async connect(address, tls, signal) {
    const where = "unix" in address ? { path: address.unix } : { host: address.hostname, port: address.port };
    const socket = connectTcp({ ...where, allowHalfOpen: true });
    await happened(socket, "connect", signal, (error) => dialFailed(address, error));
    return new NodeSocketConnection(tls ? await secured(socket, tls, signal) : socket);
  },
  async startTls(conn, tls, signal) {
    return new NodeSocketConnection(await secured((conn as NodeSocketConnection).detach(), tls, signal));
  },
};

/** TLS over a socket. */
async function secured(socket: Duplex, tls: Tls, signal: AbortSignal): Promise<Duplex> {
  const { hostname, caCerts, client } = tls;
  const options: ConnectionOptions = { socket, host: hostname, rejectUnauthorized: true, ...client };
  // Names alone are sent as SNI (RFC 6066 §3); the certificate is judged by either
  if (isIP(hostname) === 0) options.servername = hostname;
  if (caCerts.length > 0) options.ca = trusted(caCerts);
  let secure: Duplex;
  try {
    secure = connectTls(options); // throws for a certificate or a key that it can't use
    secure.allowHalfOpen = true;
    await happened(secure, "secureConnect", signal, (error) => tlsFailed(tls, error));
  } catch (error) {
    socket.destroy();
    throw error instanceof ExchangeError || signal.aborted ? error : tlsFailed(tls, error);
  }
  return secure;
}

/** Waits for an event; an error, an end or the signal destroys the socket. */
async function happened(
  socket: Duplex,
  event: string,
  signal: AbortSignal,
  failed: (error: unknown) => Error,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onError = (error: Error) => reject(failed(error));
  const onClose = () => reject(failed(new Error("The connection was closed")));
  socket.once(event, resolve).on("error", onError).on("close", onClose);
  try {
    await unlessAborted(promise, signal);
    socket.off("error", onError);
  } catch (error) {
    socket.destroy(); // and a late error of it stays handled
    throw error;
  } finally {
    socket.off(event, resolve).off("close", onClose);
  }
}
