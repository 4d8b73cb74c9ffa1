// Listens with Deno.listen. A transport reads and writes a `Deno.Conn` by its own methods, so that its two streams, three
// kilobytes of memory, are never made.

import type { NetworkAddress } from "../base/network_address.ts";
import { PullTransport } from "../transport/pull_transport.ts";
import { addressOf, type DenoAddr, type DenoConn, DenoSource } from "./deno_conn.ts";
import { type Listen, type Listener, listenFailed, type ListenHandlers, type ListenOptions } from "./listener.ts";

/** What is used of a `Deno.Listener`. */
interface DenoListener {
  readonly addr: DenoAddr;
  accept(): Promise<DenoConn>;
  close(): void;
}

/** What is used of `Deno`. */
interface DenoNet {
  listen(options: object): DenoListener;
  listenTls(options: object): DenoListener;
  removeSync(path: string): void;
}

const { Deno: deno } = globalThis as unknown as { Deno: DenoNet };

/** How long a process that is out of file descriptors waits before it accepts again, in milliseconds. */
const RETRY_AFTER = 50;

/** The errors of `accept()` that a client causes which has left already. */
const LEFT: ReadonlySet<string> = new Set(["NotConnected", "ConnectionReset", "ConnectionAborted"]);

/** Listens on Deno. */
export const listenOnDeno: Listen = async (options, handlers) => {
  try {
    return await Promise.resolve(new AcceptLoop(open(options), handlers));
  } catch (error) {
    throw listenFailed(options, error);
  }
};

function open({ address, tls, reusePort }: ListenOptions): DenoListener {
  if ("unix" in address) return deno.listen({ transport: "unix", path: address.unix });
  const where = { ...address, ...(reusePort && { reusePort }) };
  return tls ? deno.listenTls({ ...where, ...tls }) : deno.listen(where);
}

/** Accepts until it is stopped, whatever single connections fail with. */
class AcceptLoop implements Listener {
  readonly addr: NetworkAddress;
  readonly #listener: DenoListener;
  readonly #handlers: ListenHandlers;
  /** Settles when accepting has ended: until then the address is taken. */
  readonly #accepting: Promise<void>;
  #isStopped = false;
  /** Whether the last attempt has failed: of a row of failures only the first is told. */
  #isFailing = false;
  #retry: { readonly timer: ReturnType<typeof setTimeout>; readonly go: () => void } | undefined;

  constructor(listener: DenoListener, handlers: ListenHandlers) {
    this.addr = addressOf(listener.addr, undefined)!;
    this.#listener = listener;
    this.#handlers = handlers;
    this.#accepting = this.#accept();
  }

  async #accept(): Promise<void> {
    while (!this.#isStopped) {
      try {
        const conn = await this.#listener.accept();
        this.#isFailing = false;
        this.#handlers.onConnection(new PullTransport(new DenoSource(conn)));
      } catch (error) {
        if (this.#isStopped || LEFT.has((error as Error).name)) continue;
        if (!this.#isFailing) this.#handlers.onError(error);
        this.#isFailing = true;
        await new Promise<void>((go) => this.#retry = { timer: setTimeout(go, RETRY_AFTER), go });
      }
    }
  }

  stop(): Promise<void> {
    if (this.#isStopped) return this.#accepting;
    this.#isStopped = true;
    clearTimeout(this.#retry?.timer);
    this.#retry?.go();
    this.#listener.close();
    if (this.addr.transport === "unix") remove(this.addr.path);
    return this.#accepting;
  }

  close(): void {
    this.stop();
  }
}

/** Removes the file of a Unix socket, as the other runtimes do when they stop. */
function remove(path: string): void {
  try {
    deno.removeSync(path);
  } catch {
    // It is gone already, or was made unremovable
  }
}
