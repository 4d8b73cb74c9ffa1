// Dials with Bun.connect, which checks a certificate but does not wait for the TLS handshake: a PendingConnection does.

import { unlessAborted } from "../base/abort.ts";
import { bunHandlers, type BunSocketConnection } from "./bun_socket.ts";
import { type BunSocket, type BunSocketHandlers, bunTcp, type BunTls } from "./bun_api.ts";
import { type Address, dialFailed, type Dialler, type Tls, tlsFailed } from "./dialler.ts";

interface UpgradableSocket extends BunSocket {
  upgradeTLS(options: { tls: BunTls; socket: BunSocketHandlers }): [raw: BunSocket, tls: BunSocket];
}

/** The {@linkcode Dialler} of Bun. */
export const bunDialler: Dialler = {
  async connect(address, tls, signal) {
    const errorOf: ErrorOf = (phase, cause) =>
      phase === "tls" && tls ? tlsFailed(tls, cause) : dialFailed(address, cause);
    const options = tls && await bunTlsOf(tls);
    // Only names are sent as SNI (RFC 6066 §3). Without one Bun checks the certificate against the address it connects to
    if (options && isAddress(tls.hostname)) delete options.serverName;
    return await connectBun(address, options, errorOf, signal);
  },
  async startTls(conn, tls, signal) {
    const options = await bunTlsOf(tls), { socket: raw, peerEnded } = conn as BunSocketConnection;
    if (peerEnded) { // upgradeTLS() would wait forever
      raw.close();
      throw tlsFailed(tls, new Error("The connection has ended"));
    }
    const pending = new PendingConnection(true, (_, cause) => tlsFailed(tls, cause), signal);
    try {
      const [below] = (raw as UpgradableSocket).upgradeTLS({ tls: options, socket: pending.handlers });
      // From now on the raw socket carries the bytes of TLS: they are not for its connection
      raw.data = below.data = undefined;
    } catch (error) {
      raw.close();
      pending.fail(error);
    }
    return await pending.opened();
  },
};

function isAddress(hostname: string): boolean {
  return /^[\d.]+$|:/.test(hostname);
}

async function bunTlsOf({ hostname, caCerts, client }: Tls): Promise<BunTls> {
  const { caOption } = await import("./node_ca.ts");
  const ca = caCerts.length > 0 ? { ca: caOption(caCerts) } : {};
  // Never an empty object: Bun would connect without TLS
  return { rejectUnauthorized: true, serverName: hostname, ...ca, ...client };
}

/** Makes the error of an attempt that failed in a phase. */
type ErrorOf = (phase: "dial" | "tls", cause: unknown) => unknown;

/** Connects; with TLS, resolves once its handshake is done. */
export async function connectBun(
  address: Address,
  tls: BunTls | undefined,
  errorOf: ErrorOf,
  signal: AbortSignal,
): Promise<BunSocketConnection> {
  const pending = new PendingConnection(
    tls !== undefined,
    errorOf,
    signal,
    "unix" in address ? address.unix : undefined,
  );
  try {
    const options = { ...address, ...(tls && { tls }), allowHalfOpen: true, socket: pending.handlers };
    bunTcp().connect(options).catch((error) => pending.fail(error));
  } catch (error) {
    pending.fail(error, tls ? "tls" : "dial"); // it throws when it can't use its options for TLS
  }
  return await pending.opened();
}

/** A connection that is being opened. When the signal aborts, its socket is closed, even if it opens only later. */
class PendingConnection {
  readonly #settle = Promise.withResolvers<BunSocketConnection>();
  readonly #errorOf: ErrorOf;
  readonly #signal: AbortSignal;
  #connection: BunSocketConnection | undefined;
  readonly handlers: BunSocketHandlers;

  constructor(isSecure: boolean, errorOf: ErrorOf, signal: AbortSignal, unix?: string) {
    this.#errorOf = errorOf;
    this.#signal = signal;
    const succeed = () => this.#settle.resolve(this.#connection!);
    const handlers = bunHandlers((connection) => {
      this.#connection = connection;
      if (signal.aborted) connection.close();
      else if (!isSecure) succeed();
    }, unix);
    this.handlers = {
      ...handlers,
      handshake: (_, success, error) => {
        if (success) return succeed();
        this.fail(error ?? new Error("The certificate was not accepted"));
        this.#connection?.close();
      },
      close: (socket, error) => {
        this.fail(error ?? new Error("The connection was closed"));
        handlers.close(socket, error);
      },
      connectError: (_, error) => this.fail(error),
    };
  }

  /** Waits until the connection can be used. */
  async opened(): Promise<BunSocketConnection> {
    try {
      return await unlessAborted(this.#settle.promise, this.#signal);
    } catch (error) {
      this.#connection?.close();
      throw error;
    }
  }

  fail(cause: unknown, phase: "dial" | "tls" = this.#connection ? "tls" : "dial"): void {
    this.#settle.reject(this.#errorOf(phase, cause));
  }
}
