// Deno's own WebSocket: its client against accept(), Deno.serve with Deno.upgradeWebSocket against connect().

import { testClient, testServer } from "./exchanges.ts";
import { type AcceptedPeer, type Dial, Peer, type Serve } from "./links.ts";

const dial: Dial<WebSocket> = (url, { offered, clientFields }) => ({
  socket: new WebSocket(url, { protocols: [...offered], headers: clientFields }),
});

const serve: Serve<WebSocket> = ({ spoken, serverFields }, refusal) => {
  const accepted = Promise.withResolvers<AcceptedPeer<WebSocket>>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    if (refusal) return new Response(refusal.body, { status: refusal.status, headers: refusal.fields });
    const headers = new Headers(request.headers); // they are gone with the upgrade
    const offered = headers.get("sec-websocket-protocol")?.split(", ") ?? [];
    const protocol = spoken.find((protocol) => offered.includes(protocol));
    const { socket, response } = Deno.upgradeWebSocket(request, protocol === undefined ? {} : { protocol });
    for (const [name, value] of Object.entries(serverFields)) response.headers.set(name, value);
    accepted.resolve({ theirs: new Peer(socket), request: headers });
    return response;
  });
  return { port: server.addr.port, accepted: accepted.promise, close: () => server.shutdown() };
};

testClient({ name: "Deno's client", dial, echoesReason: true, showsProtocol: true, insistsOnProtocol: false });
testServer({ name: "Deno's server", serve, echoesReason: true, showsProtocol: false });
