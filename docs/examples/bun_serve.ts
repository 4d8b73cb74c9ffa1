// Bun.serve keeps its connections to itself, so that the WebSocket is Bun's own; but answer() judges the request before
// server.upgrade() does, and chooses the subprotocol. PORT chooses the port.

import process from "node:process";
import { answer, type AnswerOptions, isUpgrade } from "../../mod.ts";

const OPTIONS: AnswerOptions = { origins: "same-host", protocols: ["echo"] };

/** What is used of Bun, whose types would replace those of the other runtimes. */
interface BunServer {
  readonly port: number;
  upgrade(request: Request, options: { headers: Record<string, string> }): boolean;
  stop(closesConnections?: boolean): Promise<void>;
}
declare const Bun: {
  serve(options: {
    readonly port: number;
    readonly hostname: string;
    fetch(request: Request, server: BunServer): Promise<Response | undefined>;
    readonly websocket: {
      message(socket: { send(message: string | Uint8Array): void }, message: string | Uint8Array): void;
    };
  }): BunServer;
};

/** Serves a page, and an echo at every path. */
export function serve(port: number): BunServer {
  return Bun.serve({
    port,
    hostname: "127.0.0.1",
    async fetch(request, server) {
      if (!isUpgrade(request)) return new Response("The echo is here, for WebSockets\n");
      const { response, agreement } = await answer(request, OPTIONS);
      if (!agreement) return response;
      const { protocol } = agreement;
      if (server.upgrade(request, { headers: protocol ? { "sec-websocket-protocol": protocol } : {} })) {
        return undefined;
      }
      return new Response("The upgrade failed\n", { status: 500 });
    },
    websocket: { message: (socket, message) => socket.send(message) },
  });
}

if (import.meta.main) console.log("Serving on port", serve(Number(process.env.PORT || 8080)).port);
