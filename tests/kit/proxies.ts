// An HTTP proxy by hand: it knows CONNECT, tells what it was asked, and connects to wherever it is told to.

import { connect as connectTcp, createServer, type Socket } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

/** A proxy that runs. */
export interface TestProxy extends AsyncDisposable {
  readonly port: number;
  /** The heads that it was sent. */
  readonly heads: readonly string[];
}

/** How it answers. */
export interface TestProxyOptions {
  /** What it answers to CONNECT, if it is not a tunnel. */
  readonly answer?: string;
  /** The head of its answer when it opens a tunnel, without the line ends behind it. */
  readonly head?: string;
  /** What it says in the tunnel before anything else. */
  readonly behind?: string;
}

/**
 * Starts a proxy whose tunnels all lead to one port of 127.0.0.1, whatever was asked for.
 *
 * @param target The port; without one it answers nothing.
 */
export async function startProxy(
  target?: number,
  { answer, head: established = "HTTP/1.1 200 Connection established", behind = "" }: TestProxyOptions = {},
): Promise<TestProxy> {
  const heads: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    track(socket);
    let head = "";
    socket.on("data", function read(chunk) {
      head += chunk.toString("latin1");
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      socket.off("data", read).pause();
      heads.push(head.slice(0, end));
      if (answer !== undefined) socket.end(answer);
      if (answer !== undefined || target === undefined) return;
      const far = track(connectTcp(target, "127.0.0.1", () => {
        socket.write(`${established}\r\n\r\n${behind}`);
        far.pipe(socket).pipe(far);
      }));
    });
  });
  const track = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    return socket;
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    heads,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
