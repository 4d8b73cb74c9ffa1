// Dialling by Bun.connect.

import { unlessAborted } from "../base/abort.ts";
import {
  bunHandlers,
  type BunSocket,
  BunSocketConnection,
  type BunSocketHandlers,
  bunTcp,
  type BunTls,
} from "./bun_socket.ts";
import { type Address, dialFailed, type Dialler, type Tls, tlsFailed } from "./dialler.ts";

interface Upgradable extends BunSocket {
  upgradeTLS(options: { tls: BunTls; socket: BunSocketHandlers }): [raw: BunSocket, tls: BunSocket];
}

/** See the head of the file. */
export const bunDialler: Dialler = {
  async connect(address, tls, signal) {
    const failed = (phase: "dial" | "tls", error: unknown) =>
      phase === "tls" && tls ? tlsFailed(tls, error) : dialFailed(address, error);
    const options = tls && await bunTlsOf(tls);
    // Names alone are sent as SNI (RFC 6066 §3); without one Bun judges the certificate by the address that it connects to
    if (options && isAddress(tls.hostname)) delete options.serverName;
    return await connectBun(address, options, failed, signal);
  },
  async startTls(conn, tls, signal) {
    const options = await bunTlsOf(tls), { socket: raw, peerEnded } = conn as BunSocketConnection;
    if (peerEnded) { // upgradeTLS() would wait for ever
      raw.close();
      throw tlsFailed(tls, new Error("The connection has ended"));
    }
    const opening = new Opening(true, (_, error) => tlsFailed(tls, error), signal);
    try {
      const [below] = (raw as Upgradable).upgradeTLS({ tls: options, socket: opening.handlers });
      // What the raw socket reads is no longer looked at
      raw.data = below.data = undefined;
    } catch (error) {
      raw.close();
      opening.fail(error);
    }
    return await opening.opened();
  },
};

function isAddress(hostname: string): boolean {
  return /^[\d.]+$|:/.test(hostname);
}

async function bunTlsOf({ hostname, caCerts, client }: Tls): Promise<BunTls> {
  const { trusted } = await import("./node_ca.ts");
  // An empty object would mean: no TLS
  const ca = caCerts.length > 0 ? { ca: trusted(caCerts) } : {};
  return { rejectUnauthorized: true, serverName: hostname, ...ca, ...client };
}

/** Makes the error of an attempt. */
type Failed = (phase: "dial" | "tls", error: unknown) => unknown;

/** Connects, and waits for the TLS handshake, which Bun judges but does not wait for. */
export async function connectBun(
  address: Address,
  tls: BunTls | undefined,
  failed: Failed,
  signal: AbortSignal,
): Promise<BunSocketConnection> {
  const opening = new Opening(tls !== undefined, failed, signal, "unix" in address ? address.unix : undefined);
  try {
    const options = { ...address, ...(tls && { tls }), allowHalfOpen: true, socket: opening.handlers };
    bunTcp().connect(options).catch((error) => opening.fail(error));
  } catch (error) {
    opening.fail(error, tls ? "tls" : "dial"); // it throws for options of TLS that it can't use
  }
  return await opening.opened();
}

/** A connection that is not yet one: its socket is closed when the signal aborts, also when it opens later. */
class Opening {
  readonly #settle = Promise.withResolvers<BunSocketConnection>();
  readonly #failed: Failed;
  readonly #signal: AbortSignal;
  #connection: BunSocketConnection | undefined;
  readonly handlers: BunSocketHandlers;

  constructor(isSecure: boolean, failed: Failed, signal: AbortSignal, unix?: string) {
    this.#failed = failed;
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

  /** The connection, once it is one. */
  async opened(): Promise<BunSocketConnection> {
    try {
      return await unlessAborted(this.#settle.promise, this.#signal);
    } catch (error) {
      this.#connection?.close();
      throw error;
    }
  }

  fail(error: unknown, phase: "dial" | "tls" = this.#connection ? "tls" : "dial"): void {
    this.#settle.reject(this.#failed(phase, error));
  }
}
