// The echo that a runtime has of its own: Deno.upgradeWebSocket with Deno.serve, or Bun.serve. Its argument is
// `{ port, reusePort, cert, key, perMessageDeflate }`, as JSON; the last one is for Bun only: Deno's server never compresses.

import process from "node:process";
import { listening } from "./listening.ts";

/** What is used of Bun, whose types would replace those of the other runtimes. */
declare const Bun: {
  serve(options: {
    readonly hostname: string;
    readonly port: number;
    readonly reusePort: boolean;
    readonly tls?: { readonly cert: string; readonly key: string };
    fetch(request: Request, server: { upgrade(request: Request): boolean }): Response | undefined;
    readonly websocket: {
      readonly maxPayloadLength: number;
      readonly perMessageDeflate: boolean;
      message(socket: BunSocket, message: string | Uint8Array): void;
    };
  }): { readonly port: number };
};

interface BunSocket {
  send(message: string | Uint8Array, compress: boolean): void;
}

interface Arguments {
  port?: number;
  reusePort?: boolean;
  cert?: string;
  key?: string;
  perMessageDeflate?: boolean;
}

const { port = 0, reusePort = false, cert, key, perMessageDeflate = false } = JSON.parse(
  process.argv[2] ?? "{}",
) as Arguments;
const hostname = "127.0.0.1", tls = cert !== undefined && key !== undefined ? { cert, key } : undefined;

function serve(): number {
  if ("Bun" in globalThis) {
    return Bun.serve({
      hostname,
      port,
      reusePort,
      ...(tls && { tls }),
      fetch: (request, server) => server.upgrade(request) ? undefined : new Response(null, { status: 426 }),
      websocket: {
        maxPayloadLength: 16 * 2 ** 20,
        perMessageDeflate,
        message: (socket, message) => void socket.send(message, perMessageDeflate),
      },
    }).port;
  }
  return Deno.serve({ hostname, port, reusePort, ...tls, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => socket.send(data);
    socket.onerror = () => {}; // clients leave without a word
    return response;
  }).addr.port;
}

listening(serve());
