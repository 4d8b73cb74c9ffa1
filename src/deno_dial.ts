// Dialling by Deno's own sockets, which it does for TCP and for unix sockets. Deno's words are written down here as far as
// they are used.

import { dialFailed, type Dialler, unlessAborted } from "./dialler.ts";
import type { DenoConn } from "./deno.ts";

/** What is used of Deno. */
interface DenoNet {
  connect(options: object): Promise<DenoConn>;
}

const { Deno: deno } = globalThis as unknown as { Deno: DenoNet };

/** See the head of the file. */
export const denoDialler: Dialler = {
  async connect(address, _tls, signal) {
    const options = "unix" in address ? { transport: "unix", path: address.unix } : { ...address, signal };
    try {
      return await unlessAborted(deno.connect(options), signal, (late) => late.close());
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw dialFailed(address, error);
    }
  },
};
