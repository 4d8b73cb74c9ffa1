// An echo of bytes that knows no WebSocket, over the TCP that a runtime has: what a library stands on, and can't be
// faster than unless it reads or writes more at once.

import type { AddressInfo } from "node:net";
import { listening } from "./listening.ts";

/** What is used of Bun, whose types would replace those of the other runtimes. */
interface Socket {
  data: Uint8Array[];
  write(bytes: Uint8Array): number;
  pause(): void;
  resume(): void;
}
declare const Bun: {
  listen(options: {
    readonly hostname: string;
    readonly port: number;
    readonly socket: {
      open(socket: Socket): void;
      data(socket: Socket, chunk: Uint8Array): void;
      drain(socket: Socket): void;
      error(): void;
    };
  }): { readonly port: number };
};

const hostname = "127.0.0.1", port = 0;

async function echo(conn: Deno.TcpConn): Promise<void> {
  try {
    conn.setNoDelay(true);
    const buffer = new Uint8Array(65536);
    for (let size = await conn.read(buffer); size !== null; size = await conn.read(buffer)) {
      for (let at = 0; at < size;) at += await conn.write(buffer.subarray(at, size));
    }
    conn.close();
  } catch {
    // the client has left
  }
}

function bun(): void {
  const { port: taken } = Bun.listen({
    hostname,
    port,
    socket: {
      open: (socket) => void (socket.data = []),
      data(socket, chunk) {
        const { data: waiting } = socket;
        if (waiting.length > 0) return void waiting.push(chunk);
        const written = Math.max(0, socket.write(chunk));
        if (written === chunk.length) return;
        waiting.push(chunk.subarray(written));
        socket.pause();
      },
      drain(socket) {
        const { data: waiting } = socket;
        while (waiting.length > 0) {
          const written = Math.max(0, socket.write(waiting[0]!)), rest = waiting[0]!.subarray(written);
          if (rest.length > 0) return void (waiting[0] = rest);
          waiting.shift();
        }
        socket.resume();
      },
      error() {},
    },
  });
  listening(taken);
}

async function node(): Promise<void> {
  const { createServer } = await import("node:net");
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("data", (chunk) => {
      if (!socket.write(chunk)) socket.pause();
    });
    socket.on("drain", () => socket.resume());
    socket.on("error", () => {});
  });
  server.listen(port, hostname, () => listening((server.address() as AddressInfo).port));
}

if ("Deno" in globalThis) {
  const listener = Deno.listen({ hostname, port });
  listening(listener.addr.port);
  for (;;) {
    try {
      echo(await listener.accept());
    } catch {
      // the client has already left
    }
  }
} else if ("Bun" in globalThis) bun();
else await node();
