// The WebSocket of the package undici, on Node: a client.

import { Agent, WebSocket } from "undici";
import { run, standardClient } from "./program.ts";

await run({
  connect(url, ca) {
    const dispatcher = new Agent(ca === undefined ? {} : { connect: { ca } });
    return standardClient(new WebSocket(url, { dispatcher }));
  },
});
