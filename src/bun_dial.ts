// Dialling by Bun.connect.

import { type Address, dialFailed, type Dialler, type Tls, tlsFailed, unlessAborted } from "./dialler.ts";
import {
  bunHandlers,
  type BunSocket,
  BunSocketConnection,
  type BunSocketHandlers,
  bunTcp,
  type BunTls,
} from "./bun_socket.ts";

interface Upgradable extends BunSocket {
  upgradeTLS(options: { tls: BunTls; socket: BunSocketHandlers }): [raw: BunSocket, tls: BunSocket];
}

/** See the head of the file. */
export const bunDialler: Dialler = {
  async connect(address, tls, signal) {
    const options = tls && await bunTlsOf(tls);
    const failed = (phase: "dial" | "tls", error: unknown) =>
      phase === "dial" ? dialFailed(address, error) : tlsFailed(tls!, error);
    return await unlessAborted(connectBun(address, options, failed), signal, (late) => late.close());
  },
  async startTls(conn, tls, signal) {
    const options = await bunTlsOf(tls), { socket: raw } = conn as BunSocketConnection;
    const { promise, handlers } = handshake((error) => tlsFailed(tls, error));
    // What the raw socket reads is no longer looked at
    const [below, above] = (raw as Upgradable).upgradeTLS({ tls: options, socket: handlers });
    raw.data = below.data = undefined;
    return await unlessAborted(promise, signal, () => above.close());
  },
};

async function bunTlsOf({ hostname, caCerts, client }: Tls): Promise<BunTls> {
  // An empty object would mean: no TLS. With `ca` nothing else is trusted
  const { rootCertificates } = await import("node:tls");
  const ca = caCerts.length > 0 ? { ca: [...rootCertificates, ...caCerts] } : {};
  return { rejectUnauthorized: true, serverName: hostname, ...ca, ...client };
}

/**
 * Connects, and waits for the TLS handshake, which Bun judges but does not wait for.
 *
 * @param failed Makes the error.
 */
export function connectBun(
  address: Address,
  tls: BunTls | undefined,
  failed: (phase: "dial" | "tls", error: unknown) => unknown,
): Promise<BunSocketConnection> {
  const unix = "unix" in address ? address.unix : undefined;
  let isOpen = false;
  const { promise, handlers, settle } = handshake((error) => failed(isOpen ? "tls" : "dial", error));
  const socket: BunSocketHandlers = {
    ...handlers,
    open(socket) {
      isOpen = true;
      if (tls) handlers.open(socket);
      else settle.resolve(new BunSocketConnection(socket, unix));
    },
    connectError: (_, error) => settle.reject(failed("dial", error)),
  };
  bunTcp().connect({ ...address, ...(tls && { tls }), allowHalfOpen: true, socket })
    .catch((error) => settle.reject(failed(isOpen ? "tls" : "dial", error)));
  return promise;
}

/** Handlers of a socket that is a connection once its TLS handshake has succeeded. */
function handshake(failed: (error: unknown) => unknown): {
  readonly promise: Promise<BunSocketConnection>;
  readonly handlers: BunSocketHandlers;
  readonly settle: PromiseWithResolvers<BunSocketConnection>;
} {
  const settle = Promise.withResolvers<BunSocketConnection>();
  const handlers = bunHandlers(() => {});
  return {
    promise: settle.promise,
    settle,
    handlers: {
      ...handlers,
      handshake(socket: BunSocket, success, error) {
        if (success) return settle.resolve(socket.data as BunSocketConnection);
        settle.reject(failed(error ?? new Error("The certificate was not accepted")));
        socket.close();
      },
      close(socket, error) {
        settle.reject(failed(error ?? new Error("The connection was closed")));
        handlers.close(socket, error);
      },
    },
  };
}
