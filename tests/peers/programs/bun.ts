// Bun's own WebSocket, and the WebSockets of Bun.serve.

import { type Identity, run, standardClient, type StandardSocket } from "./program.ts";
import type { Message } from "./script.ts";

/** What is used of Bun, whose types would replace those of the other runtimes. */
declare const Bun: {
  serve(options: {
    readonly hostname: string;
    readonly port: number;
    readonly tls: Identity | undefined;
    fetch(request: Request, server: { upgrade(request: Request): boolean }): Response | undefined;
    readonly websocket: {
      readonly perMessageDeflate: false | { readonly compress: "dedicated"; readonly decompress: "dedicated" };
      message(socket: { send(message: Message, compress: boolean): void }, message: Message): void;
    };
  }): { readonly port: number };
};
const BunWebSocket = WebSocket as unknown as new (
  url: string,
  options: { readonly perMessageDeflate: boolean; readonly tls?: { readonly ca: string } },
) => StandardSocket;

await run({
  // Which parameters there are is for Bun to say; with contexts of its own a connection keeps them
  serve: (identity, deflate) =>
    Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      tls: identity,
      fetch: (request, server) => server.upgrade(request) ? undefined : new Response(null, { status: 426 }),
      websocket: {
        perMessageDeflate: deflate ? { compress: "dedicated", decompress: "dedicated" } : false,
        message: (socket, message) => socket.send(message, deflate !== undefined),
      },
    }).port,
  connect(url, ca, deflate) {
    const tls = ca === undefined ? {} : { tls: { ca } };
    return standardClient(new BunWebSocket(url, { perMessageDeflate: deflate !== undefined, ...tls }));
  },
});
