// Dials with Bun.connect, which checks a certificate but does not wait for the TLS handshake: a PendingConnection does.

import { unlessAborted } from "../base/abort.ts";
import { bunHandlers, type BunSocketConnection } from "./bun_socket.ts";
import { type BunSocket, type BunSocketHandlers, bunTcp, type BunTls } from "./bun_api.ts";
import { type Address, dialFailed, type Dialler, endedEarly, type Tls, tlsFailed } from "./dialler.ts";

interface UpgradableSocket extends BunSocket {
  upgradeTLS(options: { tls: BunTls; socket: BunSocketHandlers }): [raw: BunSocket, tls: BunSocket];
}

/** The {@linkcode Dialler} of Bun. */
export const bunDialler: Dialler = {
  async connect(address, tls, signal) {
    const errorOf: ErrorOf = (phase, cause) =>
      phase === "tls" && tls ? tlsFailed(tls, cause) : dialFailed(address, cause);
    if (!tls) return await connectBun(address, undefined, errorOf, signal);
    const { options, check } = await bunTlsOf(tls);
    // Without a name Bun checks the certificate against the address it connects to; over a Unix socket, which has none, it
    // would take it for localhost's. Bun sends an address as SNI either way, which RFC 6066 §3 does not allow
    if (isAddress(tls.hostname) && !("unix" in address)) delete options.serverName;
    return await connectBun(address, options, errorOf, signal, check);
  },
  async startTls(conn, tls, signal) {
    const { options, check } = await bunTlsOf(tls), { socket: raw, peerEnded } = conn as BunSocketConnection;
    if (peerEnded) { // upgradeTLS() would wait forever
      raw.close();
      throw tlsFailed(tls, endedEarly("The connection has ended"));
    }
    const pending = new PendingConnection((_, cause) => tlsFailed(tls, cause), signal, { isSecure: true, check });
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

/** Bun's options, and what Bun does not check of a certificate that it trusts. */
async function bunTlsOf({ hostname, caCerts, client }: Tls): Promise<{ options: BunTls; check: CertificateCheck }> {
  const { caOption } = await import("./node_ca.ts"), { identityError } = await import("./node_identity.ts");
  const ca = caCerts.length > 0 ? { ca: caOption(caCerts) } : {};
  // Never an empty object: Bun would connect without TLS
  const options = { rejectUnauthorized: true, serverName: hostname, ...ca, ...client };
  return { options, check: (socket) => identityError(hostname, socket.getPeerCertificate?.() ?? {}) };
}

/** Why a peer that has shown a certificate is not the one that was dialled, or `undefined` when it is. */
type CertificateCheck = (socket: BunSocket) => Error | undefined;

/** Makes the error of an attempt that failed in a phase. */
type ErrorOf = (phase: "dial" | "tls", cause: unknown) => unknown;

/** Connects; with TLS, resolves once its handshake is done. */
export async function connectBun(
  address: Address,
  tls: BunTls | undefined,
  errorOf: ErrorOf,
  signal: AbortSignal,
  check?: CertificateCheck,
): Promise<BunSocketConnection> {
  const unix = "unix" in address ? address.unix : undefined;
  const pending = new PendingConnection(errorOf, signal, { isSecure: tls !== undefined, check, unix });
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

  constructor(
    errorOf: ErrorOf,
    signal: AbortSignal,
    { isSecure, check, unix }: {
      readonly isSecure: boolean;
      readonly check?: CertificateCheck | undefined;
      readonly unix?: string | undefined;
    },
  ) {
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
      handshake: (socket, success, error) => {
        const problem = success ? check?.(socket) : error ?? new Error("The certificate was not accepted");
        if (!problem) return succeed();
        this.fail(problem);
        this.#connection?.close();
      },
      close: (socket, error) => {
        this.fail(error ?? endedEarly());
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
