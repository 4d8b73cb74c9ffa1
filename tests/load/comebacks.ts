// A server that can be killed, and says when its clients have come.

import { serve } from "../../mod.ts";
import { answerCalls } from "./program.ts";

const arrivals: number[] = [];

const calls = {
  /** Listens; port 0 takes a free one, which it returns. */
  async listen(port: number): Promise<number> {
    const { addr } = await serve({ port }, (socket) => {
      arrivals.push(performance.now());
      return socket.receive();
    });
    return addr.transport === "unix" ? 0 : addr.port;
  },

  /** When each client has come, in milliseconds. */
  arrivals: (): readonly number[] => arrivals,
};

/** What this program can be asked. */
export type ComebackCalls = typeof calls;

answerCalls(calls);
