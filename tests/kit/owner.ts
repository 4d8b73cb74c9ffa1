// An owner of a transport, for tests.

import type { Transport } from "../../src/transport/transport.ts";
import { text } from "./harness.ts";

/** Starts a transport with an owner that writes down what it is told. */
export function owned(transport: Transport) {
  const log: string[] = [], chunks: Uint8Array[] = [];
  const told = { log, chunks, pauses: false };
  transport.start({
    onData(chunk) {
      chunks.push(chunk);
      log.push(text(chunk));
      if (told.pauses) transport.pause();
    },
    onEnd: () => log.push("end"),
    onDrained: (hasWaited) => log.push(`drained ${hasWaited}`),
    onLost: (error) => log.push(`failed: ${(error as Error).message}`),
  });
  return told;
}
