// Pings that wait for their pongs (RFC 6455 §5.5.2, §5.5.3).

/** A ping under way. */
interface Waiting {
  readonly payload: Uint8Array;
  readonly sent: number;
  readonly resolve: (latency: number) => void;
  readonly reject: (error: unknown) => void;
}

/** The pings of one connection, the oldest first. */
export class Pings {
  #waiting: Waiting[] = [];
  #count = 0;

  /** A payload that no ping under way has. */
  nextPayload(): Uint8Array<ArrayBuffer> {
    const payload = new Uint8Array(4);
    new DataView(payload.buffer).setUint32(0, ++this.#count);
    return payload;
  }

  /** Resolves to the time between `sent` and the pong, in milliseconds. */
  add(payload: Uint8Array, sent: number): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    promise.catch(() => {}); // nobody is forced to wait for a pong
    this.#waiting.push({ payload, sent, resolve, reject });
    return promise;
  }

  /** A pong came: its ping and those before are settled, since only the last one need be answered (§5.5.3). */
  onPong(payload: Uint8Array, now: number): void {
    const index = this.#waiting.findIndex((ping) => isEqual(ping.payload, payload));
    for (const ping of this.#waiting.splice(0, index + 1)) ping.resolve(now - ping.sent);
  }

  /** No pong will come any more. */
  fail(reason: () => unknown): void {
    for (const ping of this.#waiting.splice(0)) ping.reject(reason());
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
