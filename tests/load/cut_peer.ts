// A peer by hand in a process of its own, which can be killed.

import { type Cut, listenServer, openClient, type Peer } from "./cut.ts";
import { answerCalls } from "./program.ts";

let opened: Promise<Peer>;

const calls = {
  /** Opens a WebSocket as a client. */
  async connect({ port, cut }: { port: number; cut: Cut }): Promise<void> {
    opened = openClient(port, cut);
    await opened;
  },

  /** Listens for a client, as a server. */
  async listen(cut: Cut): Promise<number> {
    const server = await listenServer(cut);
    opened = server.opened;
    return server.port;
  },

  /** Sends up to where it is cut. */
  async send(): Promise<void> {
    await (await opened).send();
  },
};

/** What this program can be asked. */
export type CutPeerCalls = typeof calls;

answerCalls(calls);
