// Dialling by Deno's own sockets. Deno's words are written down here as far as they are used.

import { unlessAborted } from "../base/abort.ts";
import { ExchangeError } from "../errors/problem.ts";
import { type DenoConn } from "./deno_conn.ts";
import { dialFailed, type Dialler, type Tls, tlsFailed } from "./dialler.ts";

interface DenoTlsConn extends DenoConn {
  handshake(): Promise<unknown>;
}

/** What is used of Deno. */
interface DenoNet {
  connect(options: object): Promise<DenoConn>;
  connectTls(options: object): Promise<DenoTlsConn>;
  startTls(conn: DenoConn, options: { hostname: string; caCerts: readonly string[] }): Promise<DenoTlsConn>;
}

const { Deno: deno } = globalThis as unknown as { Deno: DenoNet };

/** See the head of the file. */
export const denoDialler: Dialler = {
  async connect(address, tls, signal) {
    if (tls?.client && !("unix" in address)) {
      // startTls() knows nothing of a certificate of ours
      const { caCerts, client } = tls;
      const connecting = deno.connectTls({ ...address, caCerts, ...client });
      const failed = (error: unknown) => isUnusable(error) ? tlsFailed(tls, error) : dialFailed(address, error);
      return await handshake(await connected(connecting, failed, signal), tls, signal);
    }
    const options = "unix" in address ? { transport: "unix", path: address.unix } : { ...address, signal };
    const conn = await connected(deno.connect(options), (error) => dialFailed(address, error), signal);
    return tls ? await startTls(conn, tls, signal) : conn;
  },
  startTls: (conn, tls, signal) => startTls(conn as DenoConn, tls, signal),
};

async function connected<Conn extends DenoConn>(
  connecting: Promise<Conn>,
  failed: (error: unknown) => ExchangeError,
  signal: AbortSignal,
): Promise<Conn> {
  try {
    return await unlessAborted(connecting, signal, (late) => late.close());
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw failed(error);
  }
}

/** Whether it is a certificate or a key that Deno can't use, and not the network. */
function isUnusable(error: unknown): boolean {
  return ["InvalidData", "TypeError", "Error"].includes((error as Error).name);
}

async function startTls(conn: DenoConn, tls: Tls, signal: AbortSignal): Promise<DenoConn> {
  const { hostname, caCerts } = tls;
  try {
    return await handshake(await deno.startTls(conn, { hostname, caCerts }), tls, signal);
  } catch (error) {
    close(conn);
    throw error instanceof ExchangeError || signal.aborted ? error : tlsFailed(tls, error);
  }
}

async function handshake(conn: DenoTlsConn, tls: Tls, signal: AbortSignal): Promise<DenoConn> {
  try {
    await unlessAborted(conn.handshake(), signal);
    return conn;
  } catch (error) {
    // In its middle Deno keeps the socket open until the peer ends it; there is no other way to close it
    close(conn);
    if (signal.aborted) throw signal.reason;
    throw tlsFailed(tls, error);
  }
}

function close(conn: DenoConn): void {
  try {
    conn.close();
  } catch {
    // It was closed by what failed
  }
}
