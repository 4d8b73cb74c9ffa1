// Deno's own WebSocket, and Deno.serve with Deno.upgradeWebSocket. It needs --allow-net and --allow-read, no more: the
// authority to trust goes to the WebSocket with a client of its own, so DENO_CERT is not needed.

import { run, standardClient } from "./program.ts";

await run({
  serve(identity) {
    const options = { hostname: "127.0.0.1", port: 0, onListen() {}, ...identity };
    return Deno.serve(options, (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.binaryType = "arraybuffer";
      socket.addEventListener("message", ({ data }) => socket.send(data));
      return response;
    }).addr.port;
  },
  connect(url, ca) {
    const options = ca === undefined ? {} : { client: Deno.createHttpClient({ caCerts: [ca] }) };
    return standardClient(new WebSocket(url, options));
  },
});
