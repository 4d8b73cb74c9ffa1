// A Worker with a client that comes back, over a socket of its own for each attempt: it answers with what it was told.

import { reconnect } from "../../../mod.ts";

/** By a name that nobody resolves but workerd. */
const { connect: dial } = await import("cloudflare:sockets" as string);

export default {
  async fetch(request: Request): Promise<Response> {
    const port = Number(new URL(request.url).searchParams.get("port")), told: unknown[] = [];
    const configure = () => ({ conn: dial({ hostname: "127.0.0.1", port }, { allowHalfOpen: true }) });
    for await (const message of reconnect(`ws://127.0.0.1:${port}/`, { configure, firstDelay: 1 }).messages()) {
      if (told.push(message) === 3) break;
    }
    return Response.json(told);
  },
  connect(): void {},
};
