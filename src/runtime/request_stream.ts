// A stream that carries one request: what HTTP/2 has in place of a connection, and HTTP/3 as well. Its head is read, and the
// bytes behind both heads are those of a transport; what a TCP connection can't do is to answer by fields and not by bytes.

import type { RequestHead } from "../errors/handshake_error.ts";
import type { OwnedTransport } from "../transport/owned_transport.ts";
import type { TRANSPORT, TransportConnection } from "../transport/transport.ts";

/** The key of the method that answers. */
export const RESPOND: unique symbol = Symbol("handfast.respond");

/** The key of the method that cuts a response off. */
export const CUT: unique symbol = Symbol("handfast.cut");

/** The server's end of a stream, before its answer. */
export interface RequestStream extends TransportConnection {
  readonly request: RequestHead;
  /** Whether something comes behind the head: the client has not ended its side with it. */
  readonly hasBody: boolean;
  [TRANSPORT](): OwnedTransport;
  /**
   * Sends the head of the response, with Date where there is none (RFC 9110 §6.6.1); behind it the transport writes the
   * body, or the WebSocket. A 100 may go before it.
   *
   * @returns `false` when the stream is gone.
   */
  [RESPOND](status: number, fields: Iterable<readonly [string, string]>): boolean;
  /** Resets the stream: a response that is not whole must not end as one that is, even where the client has ended its side. */
  [CUT](): void;
}

/** Whether a connection is such a stream. */
export function isRequestStream(conn: unknown): conn is RequestStream {
  return typeof (conn as Partial<RequestStream> | undefined)?.[RESPOND] === "function";
}
