// Node's WebSocket, from the package undici: its client against accept().

import type * as types from "undici";
// By its path: under Bun the name "undici" stands for something of its own
import undici from "../../node_modules/undici/index.js";
import { testClient } from "./exchanges.ts";
import type { Dial } from "./links.ts";

const { Agent, WebSocket } = undici as typeof types;

type Socket = InstanceType<typeof WebSocket>;

const dial: Dial<Socket> = (url, { offered, clientFields }) => {
  // Its timeouts share a timer that runs on when they are over
  const dispatcher = new Agent({ connectTimeout: 0, headersTimeout: 0, bodyTimeout: 0 });
  const socket = new WebSocket(url, { protocols: [...offered], headers: clientFields, dispatcher });
  return { socket, close: () => dispatcher.destroy() };
};

testClient({
  name: "the client of undici",
  dial,
  echoesReason: false,
  showsProtocol: true,
  insistsOnProtocol: true,
});
