// A wait until the runtime has looked at every socket once more. Writes to a socket seldom wait for that, so that chunks
// written one after the other in one process would be read as one. A pulse is an octet that goes through the kernel, from
// one end of a loopback connection to the other: what was written before it has become readable before it.

import { dialRaw, listenRaw, type RawConn } from "../kit/tcp.ts";

/** A loopback connection of its own; close it by disposing of it. */
export class Pulse implements Disposable {
  readonly #near: RawConn;
  readonly #far: RawConn;

  private constructor(near: RawConn, far: RawConn) {
    this.#near = near;
    this.#far = far;
  }

  static async open(): Promise<Pulse> {
    using listener = await listenRaw();
    const [near, far] = await Promise.all([dialRaw(listener.port), listener.accept()]);
    return new Pulse(near, far);
  }

  /** Resolves when the octet has arrived. */
  async beat(): Promise<void> {
    // Reading comes first: an octet that is already there would be taken at once.
    const arrived = this.#far.read(new Uint8Array(1));
    await this.#near.write(new Uint8Array(1));
    await arrived;
  }

  [Symbol.dispose](): void {
    this.#near.close();
    this.#far.close();
  }
}
