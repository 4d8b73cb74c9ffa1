// A promise that is made when somebody asks for it, before it is settled or after: most connections' ends are nobody's.

/** See the head of the file. Nobody is forced to wait for it: it is never an unhandled rejection. */
export class LazyPromise<Value extends object> {
  #outcome: Value | Error | undefined;
  #made: PromiseWithResolvers<Value> | undefined;

  get promise(): Promise<Value> {
    if (!this.#made) {
      this.#made = Promise.withResolvers();
      this.#made.promise.catch(() => {});
      this.#pass();
    }
    return this.#made.promise;
  }

  /** Settles it: an error rejects. */
  settle(outcome: Value | Error): void {
    this.#outcome = outcome;
    this.#pass();
  }

  #pass(): void {
    if (this.#outcome instanceof Error) this.#made?.reject(this.#outcome);
    else if (this.#outcome) this.#made?.resolve(this.#outcome);
  }
}
