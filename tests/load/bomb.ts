// A server that takes a bomb: compressed messages that become far more than they are, in a process of its own.

import process from "node:process";
import { accept, WebSocketError } from "../../mod.ts";
import { listen } from "../kit/tcp.ts";
import { answerCalls } from "./program.ts";

/** How it has ended, what has come, and the resident memory: before the bomb, and at most. */
export interface Outcome {
  readonly closeCode: number | null;
  readonly failure: string | undefined;
  readonly sizes: readonly number[];
  readonly start: number;
  readonly peak: number;
}

let outcome: Promise<Outcome>;

const calls = {
  /**
   * Listens for one connection, and tells the port.
   *
   * @param warmUp So many messages are taken before it is judged how much memory the others take.
   */
  async listen({ maxMessageSize, warmUp }: { maxMessageSize: number; warmUp: number }): Promise<number> {
    const listener = await listen();
    outcome = (async () => {
      const conn = await listener.accept();
      listener.close();
      const socket = await accept(conn, { compression: true, maxMessageSize });
      const sizes: number[] = [];
      let start = 0, peak = 0;
      const look = () => peak = Math.max(peak, process.memoryUsage.rss());
      // It is looked at while nothing else is done: what has been taken is not given back within a few milliseconds
      const timer = setInterval(look, 2);
      const ended = await socket.receive((message) => {
        sizes.push(message.length);
        look();
        if (sizes.length === warmUp) start = peak = process.memoryUsage.rss();
      }).catch((error) => error);
      look();
      clearInterval(timer);
      const { closeCode } = ended;
      const failure = ended instanceof WebSocketError ? ended.failure : undefined;
      return { closeCode, failure, sizes, start, peak };
    })();
    outcome.catch(() => {}); // whoever asks is told
    return listener.port;
  },

  /** Waits for the end. */
  async done(): Promise<Outcome> {
    return await outcome;
  },
};

/** What this program can be asked. */
export type BombCalls = typeof calls;

answerCalls(calls);
