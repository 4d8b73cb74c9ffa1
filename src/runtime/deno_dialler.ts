// Dials with Deno's own sockets. The part of Deno's API that is used is declared here.

import { unlessAborted } from "../base/abort.ts";
import { ExchangeError } from "../errors/problem.ts";
import { closeDenoConn, type DenoConn } from "./deno_conn.ts";
import { dialFailed, type Dialler, type Tls, tlsFailed } from "./dialler.ts";

type DenoTlsConn = DenoConn & Required<Pick<DenoConn, "handshake">>;

/** What is used of `Deno`. */
interface DenoNet {
  connect(options: object): Promise<DenoConn>;
  connectTls(options: object): Promise<DenoTlsConn>;
  startTls(conn: DenoConn, options: { hostname: string; caCerts: readonly string[] }): Promise<DenoTlsConn>;
}

const { Deno: deno } = globalThis as unknown as { Deno: DenoNet };

/** The {@linkcode Dialler} of Deno. */
export const denoDialler: Dialler = {
  async connect(address, tls, signal) {
    if (tls?.client && !("unix" in address)) {
      // startTls() takes no client certificate
      const { caCerts, client } = tls;
      const connecting = deno.connectTls({ ...address, caCerts, ...client });
      const errorOf = (cause: unknown) => isUnusable(cause) ? tlsFailed(tls, cause) : dialFailed(address, cause);
      return await handshake(await connected(connecting, errorOf, signal), tls, signal);
    }
    const options = "unix" in address ? { transport: "unix", path: address.unix } : { ...address, signal };
    const conn = await connected(deno.connect(options), (cause) => dialFailed(address, cause), signal);
    return tls ? await startTls(conn, tls, signal) : conn;
  },
  startTls: (conn, tls, signal) => startTls(conn as DenoConn, tls, signal),
};

/** Waits for a connection that can't be cancelled: one that opens too late is closed. */
async function connected<Conn extends DenoConn>(
  connecting: Promise<Conn>,
  errorOf: (cause: unknown) => ExchangeError,
  signal: AbortSignal,
): Promise<Conn> {
  try {
    return await unlessAborted(connecting, signal, (late) => late.close());
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw errorOf(error);
  }
}

/** Whether the cause is a certificate or a key that Deno can't use, and not the network. */
function isUnusable(error: unknown): boolean {
  return ["InvalidData", "TypeError", "Error"].includes((error as Error).name);
}

async function startTls(conn: DenoConn, tls: Tls, signal: AbortSignal): Promise<DenoConn> {
  const { hostname, caCerts } = tls;
  try {
    return await handshake(await deno.startTls(conn, { hostname, caCerts }), tls, signal);
  } catch (error) {
    closeDenoConn(conn);
    throw error instanceof ExchangeError || signal.aborted ? error : tlsFailed(tls, error);
  }
}

async function handshake(conn: DenoTlsConn, tls: Tls, signal: AbortSignal): Promise<DenoConn> {
  try {
    await unlessAborted(conn.handshake(), signal);
    return conn;
  } catch (error) {
    // In the middle of a handshake Deno keeps the socket open all the same, until the peer closes it
    closeDenoConn(conn);
    if (signal.aborted) throw signal.reason;
    throw tlsFailed(tls, error);
  }
}
