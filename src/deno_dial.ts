// Dialling by Deno's own sockets. Deno's words are written down here as far as they are used.

import { type Address, dialFailed, type Dialler, type Tls, tlsFailed, unlessAborted } from "./dialler.ts";
import type { DenoConn } from "./deno.ts";
import { WireError } from "./wire.ts";

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
      return await handshake(await connected(connecting, address, signal), tls, signal);
    }
    const options = "unix" in address ? { transport: "unix", path: address.unix } : { ...address, signal };
    const conn = await connected(deno.connect(options), address, signal);
    return tls ? await startTls(conn, tls, signal) : conn;
  },
  startTls: (conn, tls, signal) => startTls(conn as DenoConn, tls, signal),
};

async function connected<Conn extends DenoConn>(
  connecting: Promise<Conn>,
  address: Address,
  signal: AbortSignal,
): Promise<Conn> {
  try {
    return await unlessAborted(connecting, signal, (late) => late.close());
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw dialFailed(address, error);
  }
}

async function startTls(conn: DenoConn, tls: Tls, signal: AbortSignal): Promise<DenoConn> {
  const { hostname, caCerts } = tls;
  try {
    return await handshake(await deno.startTls(conn, { hostname, caCerts }), tls, signal);
  } catch (error) {
    close(conn);
    throw error instanceof WireError || signal.aborted ? error : tlsFailed(tls, error);
  }
}

async function handshake(conn: DenoTlsConn, tls: Tls, signal: AbortSignal): Promise<DenoConn> {
  try {
    await unlessAborted(conn.handshake(), signal, () => {});
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
