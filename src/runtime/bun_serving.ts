// Listens with Bun.listen for serve(), whose connections are not awaited but handed over as they come.

import type { NetworkAddress } from "../base/network_address.ts";
import { TRANSPORT } from "../transport/transport.ts";
import { type BunServer, bunTcp } from "./bun_api.ts";
import { bunHandlers } from "./bun_socket.ts";
import { type Listen, listenFailed } from "./listener.ts";

/** Listens on Bun; a connection with TLS is handed over once its handshake is done. */
export const listenOnBun: Listen = async (options, { onConnection }) => {
  const { address, tls, reusePort } = options, unix = "unix" in address ? address.unix : undefined;
  let server: BunServer;
  try {
    server = await Promise.resolve(
      bunTcp().listen({
        ...address,
        ...(tls && { tls }),
        ...(reusePort && { reusePort }),
        allowHalfOpen: true,
        socket: bunHandlers((connection) => onConnection(connection[TRANSPORT]()), unix),
      }),
    );
  } catch (error) {
    throw listenFailed(options, error);
  }
  return { addr: bunAddress(server), stop: () => server.stop(), close: () => server.stop(true) };
};

/** The address of a listener of Bun's. */
export function bunAddress({ hostname = "", port = 0, unix }: BunServer): NetworkAddress {
  return unix === undefined ? { transport: "tcp", hostname, port } : { transport: "unix", path: unix };
}
