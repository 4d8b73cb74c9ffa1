// A connection that has a transport of its own: for a door as it is, and for others as a pair of streams, which are made
// when somebody asks for them.
// A Transport as a pair of byte streams, for those who want to read and write by themselves what a door would take.

import { type OwnedTransport } from "./owned_transport.ts";
import { type ByteConnection, TRANSPORT, type Transport, type TransportConnection } from "./transport.ts";

/** See the head of the file. */
export abstract class StreamsOfTransport implements TransportConnection {
  #streams: TransportStreams | undefined;

  /** The one transport of the connection. */
  protected abstract readonly transport: OwnedTransport;

  [TRANSPORT](): Transport {
    if (this.#streams && (this.#streams.readable.locked || this.#streams.writable.locked)) {
      throw new TypeError("Cannot use the connection: a stream of it is locked");
    }
    // Streams that are not locked have given the connection back; later ones begin anew
    this.#streams?.release();
    this.#streams = undefined;
    if (this.transport.inUse) throw new TypeError("Cannot use the connection: it is already in use");
    return this.transport;
  }

  get readable(): ReadableStream<Uint8Array> {
    return (this.#streams ??= transportStreams(this.transport)).readable;
  }

  get writable(): WritableStream<Uint8Array> {
    return (this.#streams ??= transportStreams(this.transport)).writable;
  }
}

/** Streams that can give their transport back. */
export interface TransportStreams extends ByteConnection {
  /** Gives the transport back, if they have used it; they are of no more use then. */
  release(): void;
}

/** The streams of a transport; only one of streams and doors may use it at a time. */
export function transportStreams(transport: Transport): TransportStreams {
  let reading!: ReadableStreamDefaultController<Uint8Array>;
  let writing!: WritableStreamDefaultController;
  let drained: PromiseWithResolvers<void> | undefined;
  let readingEnded = false, writingEnded = false, started = false;
  const endReading = () => {
    readingEnded = true;
    if (writingEnded) transport.abort();
  };
  // Only when they are used: until then a door may take the transport
  const start = () => {
    if (started) return;
    started = true;
    transport.start({
      onData(chunk) {
        transport.pause();
        reading.enqueue(chunk);
      },
      onEnd() {
        reading.close();
        endReading();
      },
      onDrained() {
        drained?.resolve();
        drained = undefined;
      },
      onLost(error) {
        if (!readingEnded) reading.error(error);
        writing.error(error);
        drained?.reject(error);
        drained = undefined;
      },
    });
  };
  const readable = new ReadableStream<Uint8Array>({
    start(controller) {
      reading = controller;
    },
    pull() {
      start();
      transport.resume();
    },
    cancel() {
      if (started) transport.pause(); // a read may be under way
      endReading();
    },
  }, { highWaterMark: 0 });
  const writable = new WritableStream<Uint8Array>({
    start(controller) {
      writing = controller;
    },
    async write(chunk) {
      start();
      if (transport.write(new Uint8Array(chunk))) return;
      drained = Promise.withResolvers<void>();
      await drained.promise;
    },
    close() {
      start();
      writingEnded = true;
      transport.end();
      if (readingEnded) transport.abort();
    },
    abort(reason) {
      transport.abort();
      if (!readingEnded) reading.error(reason);
      readingEnded = true;
    },
  });
  const release = () => {
    if (started) transport.release();
  };
  return { readable, writable, release };
}
