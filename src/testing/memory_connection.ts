// One end of a connection in memory, as a user of `./testing` sees it. What travels between the ends is up to the two
// transports.

import { ConnectionOverTransport } from "../transport/byte_streams.ts";
import { MemoryTransport, type MemoryTransportOptions } from "./memory_transport.ts";

/** A connection to another one of the same process, which `join()` names. */
export class MemoryConnection extends ConnectionOverTransport {
  protected readonly transport: MemoryTransport;

  constructor(options: MemoryTransportOptions) {
    super();
    this.transport = new MemoryTransport(options);
  }

  /** Makes two connections each other's peers. */
  join(peer: MemoryConnection): void {
    this.transport.join(peer.transport);
  }

  reset(error?: unknown): void {
    this.transport.reset(error);
  }

  get bytesWritten(): number {
    return this.transport.bytesWritten;
  }

  get isClosed(): boolean {
    return this.transport.isClosed;
  }
}
