// The byte streams of a connection that has a Transport of its own, for those who read and write it by themselves. A door
// takes the transport as it is; the streams are made when somebody looks at them, and use the transport only once they are
// read or written. Either of them can have it after the other, but not both at a time.

import type { OwnedTransport } from "./owned_transport.ts";
import {
  type ByteConnection,
  TRANSPORT,
  type Transport,
  type TransportConnection,
  type TransportHandlers,
} from "./transport.ts";

/** The base of the connections of Bun, Node and `./testing`: a subclass has the transport, this gives its streams. */
export abstract class ConnectionOverTransport implements TransportConnection {
  #streams: ByteStreams | undefined;

  /** The one transport of the connection. */
  protected abstract readonly transport: OwnedTransport;

  [TRANSPORT](): OwnedTransport {
    if (this.#streams && (this.#streams.readable.locked || this.#streams.writable.locked)) {
      throw new TypeError("Cannot use the connection: a stream of it is locked");
    }
    // Nobody holds the streams: they give the transport back, and whoever wants streams later gets new ones
    this.#streams?.release();
    this.#streams = undefined;
    if (this.transport.inUse) throw new TypeError("Cannot use the connection: it is already in use");
    return this.transport;
  }

  get readable(): ReadableStream<Uint8Array> {
    return (this.#streams ??= new ByteStreams(this.transport)).readable;
  }

  get writable(): WritableStream<Uint8Array> {
    return (this.#streams ??= new ByteStreams(this.transport)).writable;
  }
}

/** A transport as a pair of byte streams; closes it once both are done. Back-pressure: nothing is read but on demand. */
class ByteStreams implements ByteConnection, TransportHandlers {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  readonly #transport: Transport;
  #isStarted = false;
  #reading!: ReadableStreamDefaultController<Uint8Array>;
  #readingEnded = false;
  #writing!: WritableStreamDefaultController;
  #writingEnded = false;
  /** What the connection was lost by, while the stream still has chunks: they are read first. */
  #loss: { readonly error: unknown } | undefined;
  /** A write that waits until the transport has room. */
  #room: PromiseWithResolvers<void> | undefined;

  constructor(transport: Transport) {
    this.#transport = transport;
    this.readable = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#reading = controller),
      pull: () => this.#read(),
      cancel: () => this.#cancel(),
    }, { highWaterMark: 0 });
    this.writable = new WritableStream<Uint8Array>({
      start: (controller) => void (this.#writing = controller),
      write: (chunk) => this.#write(chunk),
      close: () => this.#close(),
      abort: (reason) => this.#abort(reason),
    });
  }

  /** Gives the transport back, if the streams have used it; they can't be used after that. */
  release(): void {
    if (this.#isStarted) this.#transport.release();
  }

  /** Takes the transport at the first read or write: until then a door may take it. */
  #start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#transport.start(this);
  }

  #read(): void {
    if (this.#loss) return this.#reading.error(this.#loss.error);
    this.#start();
    this.#transport.resume();
  }

  #cancel(): void {
    if (this.#isStarted) this.#transport.pause(); // a read may be under way
    this.#endReading();
  }

  #endReading(): void {
    this.#readingEnded = true;
    if (this.#writingEnded) this.#transport.abort();
  }

  async #write(chunk: Uint8Array): Promise<void> {
    this.#start();
    if (this.#transport.write(new Uint8Array(chunk))) return;
    this.#room = Promise.withResolvers<void>();
    // The stream calls abort() only once this write is over, and the peer may never read
    this.#writing.signal.onabort ??= () => this.#abort(this.#writing.signal.reason);
    await this.#room.promise;
  }

  #close(): void {
    this.#start();
    this.#writingEnded = true;
    this.#transport.end();
    if (this.#readingEnded) this.#transport.abort();
  }

  #abort(reason: unknown): void {
    this.#transport.abort();
    this.#room?.reject(reason);
    this.#room = undefined;
    if (!this.#readingEnded) this.#reading.error(reason);
    this.#readingEnded = true;
  }

  onData(chunk: Uint8Array<ArrayBuffer>): void {
    this.#transport.pause();
    this.#reading.enqueue(chunk);
  }

  onEnd(): void {
    this.#reading.close();
    this.#endReading();
  }

  onDrained(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  onLost(error: unknown): void {
    if (!this.#readingEnded) {
      // What is queued is below a high-water mark of 0; the next pull is for what comes behind it
      if (this.#reading.desiredSize! < 0) this.#loss = { error };
      else this.#reading.error(error);
    }
    this.#writing.error(error);
    this.#room?.reject(error);
    this.#room = undefined;
  }
}
