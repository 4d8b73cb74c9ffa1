// A Worker that misuses what workerd gives: it sends to the WebSockets of other requests, and leaves its handler too early.
// Its fetch() handler answers with what it was told of that.

import { accept, Connections } from "../../../mod.ts";

const all = new Connections(), told: string[] = [];

export default {
  async connect(conn: Parameters<typeof accept>[0]): Promise<void> {
    const socket = await accept(conn);
    if (socket.request.target === "/leave") return;
    all.add(socket);
    socket.send("added");
    try {
      await socket.receive((message) => void all.broadcast(message));
      told.push("closed");
    } catch (error) {
      told.push(`${error}: ${(error as Error).cause}`);
    }
  },
  fetch: () => Response.json(told),
};
