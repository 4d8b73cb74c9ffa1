// A Worker with an echo in its connect() handler; its fetch() handler opens a WebSocket to a port and sends what it is sent.

import { accept, connect, serve } from "../../../mod.ts";

/** By a name that nobody resolves but workerd. */
const { connect: dial } = await import("cloudflare:sockets" as string);

/** What one request does. */
async function ask(port: string, message: string): Promise<unknown> {
  const conn = dial({ hostname: "127.0.0.1", port: Number(port) }, { allowHalfOpen: true });
  const socket = await connect(`ws://127.0.0.1:${port}/`, { conn, compression: true });
  const reader = socket.readable.getReader(), values: unknown[] = [];
  for (let i = 0; i < 3; i++) {
    socket.send(message + i);
    values.push((await reader.read()).value);
    await new Promise((resolve) => setTimeout(resolve, i)); // others have their turns
  }
  return [values, await socket.close({ closeCode: 3001, reason: "done" })];
}

const messageOf = (error: unknown) => `${error}`;

export default {
  async connect(socket: Parameters<typeof accept>[0]): Promise<void> {
    const authorize = ({ url }: { url: string }) =>
      url.endsWith("/no") ? new Response("no\n", { status: 403 }) : undefined;
    try {
      const accepted = await accept(socket, { compression: true, authorize, pingInterval: 100 });
      await accepted.receive((message) => accepted.send(message));
    } catch {
      // It was refused: the client has been told
    }
  },
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/ask") return Response.json(await ask(searchParams.get("port")!, searchParams.get("say")!));
    const dialled = await connect("ws://localhost/").catch(messageOf);
    return Response.json([dialled, await serve({ port: 0 }, () => {}).catch(messageOf)]);
  },
};
