// Dialling by Deno's own sockets. Deno's words are written down here as far as they are used.

import { type Address, dialFailed, type Dialler, type Tls, tlsFailed, unlessAborted } from "./dialler.ts";
import type { DenoConn } from "./deno.ts";

interface DenoTlsConn extends DenoConn {
  handshake(): Promise<unknown>;
}

/** What is used of Deno. */
interface DenoNet {
  connect(options: object): Promise<DenoConn>;
  startTls(conn: DenoConn, options: { hostname: string; caCerts: readonly string[] }): Promise<DenoTlsConn>;
}

const { Deno: deno } = globalThis as unknown as { Deno: DenoNet };

/** See the head of the file. */
export const denoDialler: Dialler = {
  async connect(address, tls, signal) {
    const conn = await connect(address, signal);
    return tls ? await startTls(conn, tls, signal) : conn;
  },
  startTls: (conn, tls, signal) => startTls(conn as DenoConn, tls, signal),
};

async function connect(address: Address, signal: AbortSignal): Promise<DenoConn> {
  const options = "unix" in address ? { transport: "unix", path: address.unix } : { ...address, signal };
  try {
    return await unlessAborted(deno.connect(options), signal, (late) => late.close());
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw dialFailed(address, error);
  }
}

async function startTls(conn: DenoConn, tls: Tls, signal: AbortSignal): Promise<DenoConn> {
  const { hostname, caCerts } = tls;
  let secure: DenoTlsConn | undefined;
  try {
    secure = await deno.startTls(conn, { hostname, caCerts });
    await unlessAborted(secure.handshake(), signal, () => {});
    return secure;
  } catch (error) {
    try {
      (secure ?? conn).close();
    } catch {
      // A conn that startTls() has taken is closed with it
    }
    if (signal.aborted) throw signal.reason;
    throw tlsFailed(tls, error);
  }
}
