// Deno.serve keeps its connections to itself, so that the WebSocket is Deno's own; but what Deno.upgradeWebSocket does not
// look at, such as version, key, origin and subprotocol, answer() judges before it. PORT chooses the port.

import { answer, type AnswerOptions, isUpgrade } from "../../mod.ts";

const OPTIONS: AnswerOptions = { origins: "same-host", protocols: ["echo"] };

/** Serves a page, and an echo at every path. */
export function serve(port: number): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ port, hostname: "127.0.0.1" }, async (request) => {
    if (!isUpgrade(request)) return new Response("The echo is here, for WebSockets\n");
    const { response, agreement } = await answer(request, OPTIONS);
    if (!agreement) return response;
    const { protocol } = agreement;
    const { socket, response: switching } = Deno.upgradeWebSocket(request, protocol ? { protocol } : {});
    socket.onmessage = ({ data }) => socket.send(data);
    return switching;
  });
}

if (import.meta.main) serve(Number(Deno.env.get("PORT") ?? 8080));
