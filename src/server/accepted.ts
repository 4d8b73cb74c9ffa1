// A WebSocket that a server has accepted: the connection, with the two heads that have opened it.

import { Connection } from "../connection/connection.ts";
import type { CheckedOptions } from "../connection/connection_options.ts";
import type { ConnectionOwner } from "../connection/connection_owner.ts";
import type { WebSocketConnection } from "../connection/websocket_connection.ts";
import type { RequestHead } from "../errors/handshake_error.ts";
import type { Acceptance } from "../handshake/decide.ts";
import { headOf } from "../http/request_head.ts";
import type { ResponseHeadDraft } from "../http/response.ts";
import type { Transport } from "../transport/transport.ts";

/**
 * A WebSocket that was accepted, with the handshake that opened it.
 *
 * @example Which room was asked for
 * ```ts
 * import { accept, type Accepted, connect } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const [conn, server] = connectionPair();
 * const opening = connect("ws://localhost/rooms/7?as=ada", { conn });
 *
 * const accepted: Accepted = await accept(server);
 * assertEquals(accepted.request.target, "/rooms/7?as=ada");
 * assertEquals(new URL(accepted.request.url).searchParams.get("as"), "ada");
 * for (const socket of [accepted, await opening]) socket.abort();
 * ```
 */
export interface Accepted<Received = string | Uint8Array<ArrayBuffer>> extends WebSocketConnection<Received> {
  /** The client's request. */
  readonly request: RequestHead & {
    /** The request target as the client sent it, such as `/chat?room=7` (RFC 9112 §3.2). */
    readonly target: string;
  };
  /** The 101 response that was sent; in HTTP/2, the 200. */
  readonly response: Response;
}

/** It, as a class. */
export class AcceptedConnection extends Connection implements Accepted {
  readonly request: Accepted["request"];
  readonly #head: ResponseHeadDraft;

  constructor(
    transport: Transport,
    { agreement, head }: Acceptance,
    options: CheckedOptions,
    rest: Uint8Array,
    request: RequestHead,
    owner: ConnectionOwner | undefined,
  ) {
    super(transport, agreement, options, rest, owner);
    this.#head = head;
    const parsed = headOf(request);
    parsed?.headers.dropPositions();
    this.request = parsed ?? withTarget(request);
  }

  get response(): Response {
    return this.#head.response;
  }
}

/** A request that was not read by us, such as a `Request`, does not know its target: it is taken from the URL. */
function withTarget({ method, url, headers }: RequestHead): Accepted["request"] {
  const { pathname, search } = new URL(url);
  return { method, url, headers, target: pathname + search };
}
