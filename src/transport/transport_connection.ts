// A connection that has a transport of its own: for a door as it is, and for others as a pair of streams, which are made
// when somebody asks for them.

import { TRANSPORT, type Transport, type TransportConnection } from "./transport.ts";
import { type TransportStreams, transportStreams } from "./byte_streams.ts";

/** A transport that knows whether it has an owner. */
export interface OwnedTransport extends Transport {
  /** Whether somebody has it who has not given it back. */
  readonly inUse: boolean;
}

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
