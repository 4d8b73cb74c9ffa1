// What `for await` takes from the stream of a connection. The messages come past the queue of the stream, which its iterator
// has locked: a runtime's own costs up to half of all that is done for a short message. What is seen is as the standard has
// it (Streams §4.2.5, Web IDL §3.7.10.2).

import { Inbox, keptOf, type Received } from "./inbox.ts";

type Result = IteratorResult<Received, undefined>;

/** Whose messages it takes. */
export interface IteratedSource {
  /** A read waits, and no message does. */
  onRead(): void;
  /** Nobody takes any more: what waits is thrown away, with the stream, or goes back into it. */
  onReturn(isCancelled: boolean): void;
}

/** A read that waits. */
interface Read {
  resolve(result: Result): void;
  reject(error: unknown): void;
}

const done = (): Result => ({ done: true, value: undefined });

/** The messages, one after the other. */
export class MessageIterator implements AsyncIterableIterator<Received, undefined> {
  readonly #source: IteratedSource;
  readonly #reader: ReadableStreamDefaultReader<Received>;
  readonly #preventCancel: boolean;
  readonly #inbox: Inbox = new Inbox();
  /** In their order: whoever does not wait for one read before the next has several. */
  #reads: Read[] = [];
  /** The last of these. */
  #lastRead: Promise<unknown> | undefined;
  /** How the stream has ended, until a read has told it. */
  #end: { readonly error?: unknown } | undefined;
  #isFinished = false;
  /** The last `return()`: what is asked for behind it comes behind it, and is the end. */
  #returned: Promise<unknown> | undefined;

  /** @param reader Holds the lock. */
  constructor(source: IteratedSource, reader: ReadableStreamDefaultReader<Received>, preventCancel: boolean) {
    this.#source = source;
    this.#reader = reader;
    this.#preventCancel = preventCancel;
  }

  get isEmpty(): boolean {
    return this.#inbox.isEmpty;
  }

  /** Whether a read waits, and so everything before was taken. */
  get isAwaited(): boolean {
    return this.#reads.length > 0;
  }

  next(): Promise<Result> {
    if (this.#returned) return this.#returned.then(done, done);
    if (!this.isEmpty) return Promise.resolve({ done: false, value: this.#inbox.shift() });
    if (this.#isFinished) return Promise.resolve(done());
    const read = this.#lastRead = new Promise<Result>((resolve, reject) => this.#reads.push({ resolve, reject }));
    if (this.#end) this.#tellEnd();
    else this.#source.onRead();
    return read;
  }

  return(value?: unknown): Promise<IteratorReturnResult<undefined>> {
    const returned = this.#return(value, this.#returned);
    this.#returned = returned;
    return returned;
  }

  async #return(value: unknown, before: Promise<unknown> | undefined): Promise<IteratorReturnResult<undefined>> {
    const reads = this.isAwaited ? this.#lastRead : before;
    if (reads) await reads.catch(() => {});
    const result = { done: true, value: value as undefined } as const;
    if (this.#isFinished) return result;
    this.#isFinished = true;
    this.#source.onReturn(!this.#preventCancel);
    this.clear();
    const cancelled = this.#preventCancel ? undefined : this.#reader.cancel(value);
    this.#reader.releaseLock();
    await cancelled;
    return result;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Adds a message; what is a view of memory that is used again is copied. */
  push(message: Received): void {
    const read = this.#reads.shift();
    if (read) read.resolve({ done: false, value: keptOf(message) });
    else this.#inbox.push(message);
  }

  /** Takes the oldest message; there must be one. */
  take(): Received {
    return this.#inbox.shift();
  }

  /** Throws away what waits. */
  clear(): void {
    this.#inbox.clear();
  }

  /** The stream has ended, and no message waits: with an error, which may be `undefined`, or without one. */
  onEnd(end: { readonly error?: unknown }): void {
    this.#end = end;
    if (this.isAwaited) this.#tellEnd();
  }

  /** The first read is told, and to others there is nothing more. */
  #tellEnd(): void {
    const [first, ...others] = this.#reads, end = this.#end!;
    this.#reads = [];
    this.#end = undefined;
    this.#isFinished = true;
    this.#reader.releaseLock();
    if ("error" in end) first!.reject(end.error);
    else first!.resolve(done());
    for (const read of others) read.resolve(done());
  }

  static {
    // So that it is disposed of as other iterators are, where the runtime can
    const { prototype } = Object.getPrototypeOf(async function* () {});
    Object.setPrototypeOf(this.prototype, Object.getPrototypeOf(prototype));
  }
}
