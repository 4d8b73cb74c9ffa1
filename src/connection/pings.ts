// Matches Pongs to the Pings that `ping()` sent, and measures the round trip (RFC 6455 §5.5.2, §5.5.3).

/** A Ping that waits for its Pong. */
interface Waiting {
  readonly payload: Uint8Array;
  readonly sent: number;
  readonly resolve: (latency: number) => void;
  readonly reject: (error: unknown) => void;
}

/** The Pings of one connection, the oldest first. */
export class Pings {
  #waiting: Waiting[] = [];
  #count = 0;

  /** A payload that no waiting Ping has. */
  nextPayload(): Uint8Array<ArrayBuffer> {
    const payload = new Uint8Array(4);
    new DataView(payload.buffer).setUint32(0, ++this.#count);
    return payload;
  }

  /** Resolves to the time between `sent` and the pong, in milliseconds. */
  add(payload: Uint8Array, sent: number): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    promise.catch(() => {}); // nobody has to handle it
    this.#waiting.push({ payload, sent, resolve, reject });
    return promise;
  }

  /** A Pong came: it settles its Ping and the earlier ones, because a peer may answer only the latest (§5.5.3). */
  onPong(payload: Uint8Array, now: number): void {
    const index = this.#waiting.findIndex((ping) => isEqual(ping.payload, payload));
    for (const ping of this.#waiting.splice(0, index + 1)) ping.resolve(now - ping.sent);
  }

  /** The connection has ended: rejects what waits. */
  fail(reason: () => unknown): void {
    for (const ping of this.#waiting.splice(0)) ping.reject(reason());
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
