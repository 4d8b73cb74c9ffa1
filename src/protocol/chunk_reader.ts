// Reads chunks of bytes, cut anywhere, one unit after the other, and stops between two of them: while it is paused, and
// while something of what was read is still to be done. Chunks that come then, or from inside an event, wait their turn.

/** What reads units from chunks. A base class and not a part: one object less for each connection. */
export abstract class ChunkReader {
  /** Whether a part of what was read, and what follows it, waits. */
  isBehind = false;
  /** Whether bytes are being read: what comes meanwhile waits its turn. */
  isFeeding = false;
  protected isPaused = false;
  protected isStopped = false;
  /** Whether something that was told is a view of the last chunk. */
  protected isLent = false;
  /** Chunks that came while paused, or during an event. */
  #waiting: Uint8Array<ArrayBuffer>[] | undefined;

  /** Reads the next unit; returns where the rest of the chunk begins. */
  protected abstract readNext(chunk: Uint8Array<ArrayBuffer>, at: number): number;

  /** Does a part of what waits. */
  protected abstract goOn(): void;

  /** All of a chunk was read, or it is read no further for now. */
  protected abstract onFed(): void;

  /**
   * Reads the next bytes; they are unmasked in place.
   *
   * @returns Whether their memory may be used again: nothing that was told is a view of it, and none of the bytes wait.
   */
  receive(chunk: Uint8Array<ArrayBuffer>): boolean {
    if (this.isStopped) return false;
    this.isLent = false;
    if (this.isPaused || this.isFeeding || this.isBehind || this.#waiting?.length) {
      (this.#waiting ??= []).push(chunk);
      if (!this.isBehind) this.feedAll();
    } else this.feedAll(chunk);
    return !this.isLent && !this.#waiting?.length && !this.isFeeding && !this.isBehind;
  }

  /** Whether nothing stops it, and nothing waits. */
  protected get isIdle(): boolean {
    return !this.isFeeding && !this.isBehind && !this.isPaused && !this.isStopped && !this.#waiting?.length;
  }

  /** Stops before the next unit, even in the middle of a chunk. */
  pause(): void {
    this.isPaused = true;
  }

  /** Reads nothing more. */
  stop(): void {
    this.isStopped = true;
    this.isBehind = false;
    this.#waiting = undefined;
  }

  /** Reads what waits, and then the next chunk. */
  protected feedAll(next?: Uint8Array<ArrayBuffer>): void {
    if (this.isFeeding) return; // called from inside an event: the loop below gets to it, in order
    this.isFeeding = true;
    try {
      if (this.isBehind) this.goOn();
      if (next) this.#feed(next);
      else this.onFed();
      while (!this.isPaused && !this.isBehind && this.#waiting?.length) this.#feed(this.#waiting.shift()!);
    } finally {
      this.isFeeding = false;
    }
  }

  #feed(chunk: Uint8Array<ArrayBuffer>): void {
    let at = 0;
    while (at < chunk.length && !this.isStopped) {
      if (this.isPaused || this.isBehind) {
        (this.#waiting ??= []).unshift(chunk.subarray(at));
        break;
      }
      at = this.readNext(chunk, at);
    }
    this.onFed();
  }
}
