// A promise that is made when somebody first asks for it, before or after it is settled: for most connections nobody ever
// asks how they ended, and a promise each would be memory.

/** A promise made on demand. Nobody has to handle it: it is never an unhandled rejection. */
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
