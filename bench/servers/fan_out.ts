// One message to everybody: whatever a client of the path /publisher sends goes to all others, in whichever way its library
// has for that. Its argument is `{ of }`, as JSON: ours, what the runtime has of its own, or the package ws. Compression is
// used where it is offered; ours does about slow members what the publisher's path says, as in /publisher?slow=skip.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { EventEmitter } from "node:events";
import process from "node:process";
import { type BroadcastOptions, Connections, serve, type SlowMembers } from "../../mod.ts";
import { listening } from "./listening.ts";

/** What is used of Bun, whose types would replace those of the other runtimes. */
declare const Bun: {
  serve(options: {
    readonly hostname: string;
    readonly port: number;
    fetch(request: Request, server: BunServer): Response | undefined;
    readonly websocket: {
      readonly perMessageDeflate: boolean;
      open(socket: BunSocket): void;
      message(socket: BunSocket, message: string | Uint8Array): void;
    };
  }): BunServer;
};

interface BunServer {
  readonly port: number;
  upgrade(request: Request, options: { data: { isPublisher: boolean; compresses: boolean } }): boolean;
  publish(topic: string, message: string | Uint8Array, compress: boolean): number;
}

interface BunSocket {
  readonly data: { readonly isPublisher: boolean; readonly compresses: boolean };
  subscribe(topic: string): void;
}

/** What is used of ws, which comes without types. */
interface WsSocket extends EventEmitter {
  readonly readyState: number;
  send(data: Uint8Array | string, options: { readonly binary: boolean }): void;
}

type Of = "ours" | "native" | "ws";

const { of } = JSON.parse(process.argv[2]!) as { of: Of }, hostname = "127.0.0.1", port = 0;
const isPublisher = (url: string) => url.includes("/publisher"), offers = "sec-websocket-extensions";

const SERVERS: Readonly<Record<Of, () => Promise<void>>> = {
  async ours() {
    const group = new Connections();
    const { addr } = await serve({ port, hostname, compression: true }, (socket) => {
      const { searchParams } = new URL(socket.request.url);
      const options: BroadcastOptions = { slow: (searchParams.get("slow") ?? "wait") as SlowMembers };
      if (isPublisher(socket.request.url)) return socket.receive((message) => void group.broadcast(message, options));
      group.add(socket);
      return socket.receive();
    });
    listening((addr as { port: number }).port);
  },

  async native() {
    if ("Deno" in globalThis) return nativeOnDeno();
    const server = Bun.serve({
      hostname,
      port,
      fetch(request, server) {
        const data = { isPublisher: isPublisher(request.url), compresses: request.headers.has(offers) };
        return server.upgrade(request, { data }) ? undefined : new Response(null, { status: 426 });
      },
      websocket: {
        perMessageDeflate: true,
        open(socket) {
          if (!socket.data.isPublisher) socket.subscribe("all");
        },
        message: ({ data }, message) => void server.publish("all", message, data.compresses),
      },
    });
    listening(server.port);
    await Promise.resolve();
  },

  async ws() {
    const path = new URL("../../node_modules/ws/lib/websocket-server.js", import.meta.url).href;
    const { default: WebSocketServer } = await import(path) as { default: new (options: object) => EventEmitter };
    const server = createServer(), sockets = new Set<WsSocket>();
    new WebSocketServer({ server, perMessageDeflate: true }).on("connection", (socket: WsSocket, { url = "" }) => {
      socket.on("error", () => {});
      if (isPublisher(url)) {
        socket.on("message", (data: Uint8Array, isBinary: boolean) => {
          const message = isBinary ? data : data.toString(); // text is given to an application as a string
          for (const member of sockets) if (member.readyState === 1) member.send(message, { binary: isBinary });
        });
      } else {
        sockets.add(socket);
        socket.on("close", () => sockets.delete(socket));
      }
    });
    server.listen(port, hostname, () => listening((server.address() as AddressInfo).port));
  },
};

function nativeOnDeno(): void {
  const members = new Set<WebSocket>();
  const { addr } = Deno.serve({ hostname, port, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.binaryType = "arraybuffer";
    socket.onerror = () => {}; // clients leave without a word
    if (isPublisher(request.url)) {
      socket.onmessage = ({ data }) => {
        for (const member of members) if (member.readyState === 1) member.send(data);
      };
    } else {
      socket.onopen = () => members.add(socket);
      socket.onclose = () => members.delete(socket);
    }
    return response;
  });
  listening(addr.port);
}

await SERVERS[of]();
