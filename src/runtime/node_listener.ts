// Listens with node:net and node:tls: on Node, on Deno where its own sockets lack an option, and everywhere for HTTP/2.

import { Buffer } from "node:buffer";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer, type ListenOptions as NodeListenOptions, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import process from "node:process";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import type { NetworkAddress } from "../base/network_address.ts";
import { TRANSPORT } from "../transport/transport.ts";
import { codeOf, type Listen, listenFailed, type ListenHandlers, type ListenOptions } from "./listener.ts";
import type { Http2Sessions } from "./node_http2_sessions.ts";
import { NodeSocketConnection } from "./node_socket.ts";

/** Listens on Node; a connection with TLS is handed over once its handshake is done. */
export const listenOnNode: Listen = async (options, handlers) => {
  const { address, reusePort } = options, unix = "unix" in address ? address.unix : undefined;
  /** The sockets below TLS: of connections, and of handshakes under way. */
  const below = new Set<Socket>();
  const sessions = options.http2 ? await sessionsFor(handlers, options.handshakeTimeout, unix) : undefined;
  const hand = (socket: Socket) => {
    // RFC 9113 §3.2, §3.3: by ALPN, or by what both ends know beforehand
    if (sessions && (!options.tls || (socket as TLSSocket).alpnProtocol === "h2")) return sessions.add(socket);
    handlers.onConnection(new NodeSocketConnection(socket, false, unix)[TRANSPORT]());
  };
  let server: Server;
  try {
    checkPath(unix);
    server = open(options, hand, below);
    const where: NodeListenOptions = unix === undefined ? addressOf(address as TcpAddress) : { path: unix };
    server.listen({ ...where, ...(reusePort && { reusePort }) });
    await once(server, "listening");
  } catch (error) {
    throw listenFailed(options, error, systemCode(error, unix));
  }
  server.on("error", (error) => handlers.onError(error));
  return {
    addr: boundTo(server, unix),
    stop() {
      server.close();
      sessions?.stop();
    },
    close() {
      server.close();
      sessions?.close();
      for (const socket of below) socket.destroy();
    },
  };
};

/** Loads what speaks HTTP/2, which few need. */
async function sessionsFor(
  handlers: ListenHandlers,
  idleTimeout: number,
  unix: string | undefined,
): Promise<Http2Sessions> {
  const { Http2Sessions } = await import("./node_http2_sessions.ts");
  return new Http2Sessions(handlers, idleTimeout, unix);
}

/** How many bytes of a path fit into an address of a socket. */
const MAX_PATH = process.platform === "linux" ? 107 : 103;

/** Node 22 would cut a path that is too long, and listen at another one. */
function checkPath(unix = ""): void {
  if (Buffer.byteLength(unix) <= MAX_PATH || process.platform === "win32") return;
  throw Object.assign(new Error(`The path has more than ${MAX_PATH} bytes`), { code: "EINVAL" });
}

/** The system's code: for a path whose folder is missing, libuv has EACCES in place of ENOENT. */
function systemCode(error: unknown, unix: string | undefined): unknown {
  const code = codeOf(error);
  return code === "EACCES" && unix !== undefined && !existsSync(dirname(unix)) ? "ENOENT" : code;
}

interface TcpAddress {
  readonly hostname: string;
  readonly port: number;
}

function addressOf({ hostname, port }: TcpAddress): NodeListenOptions {
  return { host: hostname, port };
}

const ALPN = { ALPNProtocols: ["h2", "http/1.1"] };

function open(
  { tls, http2, handshakeTimeout }: ListenOptions,
  hand: (socket: Socket) => void,
  below: Set<Socket>,
): Server {
  const common = { allowHalfOpen: true, noDelay: true };
  if (!tls) return createServer(common, hand);
  // A client that does not finish its handshake is disconnected by node:tls itself, which wants a limit
  const limit = handshakeTimeout === 0 ? 2 ** 31 - 1 : handshakeTimeout;
  const server = createTlsServer({ ...common, ...tls, ...(http2 && ALPN), handshakeTimeout: limit }, hand);
  server.on("connection", (socket: Socket) => {
    below.add(socket);
    socket.once("close", () => below.delete(socket));
  });
  return server;
}

function boundTo(server: Server, unix: string | undefined): NetworkAddress {
  if (unix !== undefined) return { transport: "unix", path: unix };
  const { address, port } = server.address() as { address: string; port: number };
  return { transport: "tcp", hostname: address, port };
}
