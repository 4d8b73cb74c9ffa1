// The echo that a runtime has of its own: Deno.upgradeWebSocket with Deno.serve, or Bun.serve.

import { listening } from "./listening.ts";

/** What is used of Bun, whose types would replace those of the other runtimes. */
declare const Bun: {
  serve(options: {
    readonly hostname: string;
    readonly port: number;
    fetch(request: Request, server: { upgrade(request: Request): boolean }): Response | undefined;
    readonly websocket: {
      readonly maxPayloadLength: number;
      readonly perMessageDeflate: boolean;
      message(socket: { send(message: string | Uint8Array): void }, message: string | Uint8Array): void;
    };
  }): { readonly port: number };
};

const hostname = "127.0.0.1", port = 0;

function serve(): number {
  if ("Bun" in globalThis) {
    return Bun.serve({
      hostname,
      port,
      fetch: (request, server) => server.upgrade(request) ? undefined : new Response(null, { status: 426 }),
      websocket: {
        maxPayloadLength: 16 * 2 ** 20,
        perMessageDeflate: false,
        message: (socket, message) => void socket.send(message),
      },
    }).port;
  }
  return Deno.serve({ hostname, port, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => socket.send(data);
    socket.onerror = () => {}; // clients leave without a word
    return response;
  }).addr.port;
}

listening(serve());
