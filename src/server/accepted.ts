// A WebSocket that a server has accepted: the connection, with the two heads that have opened it.

import { Connection } from "../connection/connection.ts";
import type { CheckedOptions } from "../connection/connection_options.ts";
import type { ConnectionOwner } from "../connection/connection_owner.ts";
import { checkReceive } from "../connection/receive_arguments.ts";
import type { MessageHandler, ReceiveOptions, WebSocketConnection } from "../connection/websocket_connection.ts";
import type { CloseInfo } from "../errors/websocket_error.ts";
import type { RequestHead } from "../errors/handshake_error.ts";
import { type Acceptance, agreedFields, keyOf } from "../handshake/decide.ts";
import { fastSha1 } from "../base/tuning.ts";
import { acceptValue } from "../handshake/accept_value.ts";
import { headOf, parseRequest } from "../http/request_head.ts";
import { ResponseHeadDraft } from "../http/response.ts";
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
  /** The client's request. With `keepRequest: false` a `TypeError` is thrown for it once reading has begun. */
  readonly request: RequestHead & {
    /** The request target as the client sent it, such as `/chat?room=7` (RFC 9112 §3.2). */
    readonly target: string;
  };
  /** The 101 response that was sent; in HTTP/2, the 200. With `keepRequest: false` it is let go as `request` is. */
  readonly response: Response;
}

/** It, as a class. Of the two heads it keeps the text of the first alone, where nobody can tell. */
export class AcceptedConnection extends Connection implements Accepted {
  /** The request, or its head, which was parsed before: it is parsed again when somebody asks. None once it was let go. */
  #request: Accepted["request"] | string | undefined;
  /** Where it is missing, it is made again of the request. */
  #head: ResponseHeadDraft | undefined;

  /** @param isSeen Whether somebody was shown one of the heads, and may know the request again, or has changed the response. */
  constructor(
    transport: Transport,
    { agreement, head }: Acceptance,
    options: CheckedOptions,
    rest: Uint8Array,
    request: RequestHead,
    owner: ConnectionOwner | undefined,
    isSeen = true,
  ) {
    super(transport, agreement, options, rest, owner);
    const parsed = headOf(request);
    parsed?.headers.dropPositions();
    this.#request = !isSeen && parsed ? parsed.headers.text : parsed ?? withTarget(request);
    this.#head = isSeen ? head : undefined;
  }

  /** The request of a connection, unless it was let go. */
  static requestOf(socket: Accepted): Accepted["request"] | undefined {
    return #request in socket && socket.#request === undefined ? undefined : socket.request;
  }

  /** From now on it has neither head. */
  protected static letGo(socket: AcceptedConnection): void {
    socket.#request = socket.#head = undefined;
  }

  get request(): Accepted["request"] {
    if (this.#request === undefined) throw letGoError("request");
    if (typeof this.#request !== "string") return this.#request;
    const parsed = parseRequest(this.#request, this.isSecure);
    if ("failure" in parsed) throw new TypeError("Cannot read the request again"); // it was read with the same result
    return this.#request = parsed;
  }

  get response(): Response {
    if (this.#request === undefined) throw letGoError("response");
    if (this.#head) return this.#head.response;
    const accept = acceptValue(keyOf(this.request), fastSha1());
    this.#head = new ResponseHeadDraft(101, agreedFields(accept, this.protocol, this.extensions));
    return this.#head.response;
  }
}

/**
 * One that lets both heads go when reading of messages begins, for `keepRequest: false`. It is a class of its own so that
 * others pay nothing for it: a field that says so would be memory of each.
 */
export class ForgetfulConnection extends AcceptedConnection {
  override get readable(): ReadableStream<string | Uint8Array<ArrayBuffer>> {
    AcceptedConnection.letGo(this);
    return super.readable;
  }

  override receive(handler?: MessageHandler, options?: ReceiveOptions): Promise<CloseInfo> {
    try {
      checkReceive(handler, options);
    } catch (error) {
      return Promise.reject(error);
    }
    AcceptedConnection.letGo(this);
    return super.receive(handler, options);
  }
}

function letGoError(name: "request" | "response"): TypeError {
  return new TypeError(
    `Cannot read ${name}: it was let go when receive() or readable was first used, as keepRequest: false asks; ` +
      "keep what you need of it before",
  );
}

/** A request that was not read by us, such as a `Request`, does not know its target: it is taken from the URL. */
function withTarget({ method, url, headers }: RequestHead): Accepted["request"] {
  const { pathname, search } = new URL(url);
  return { method, url, headers, target: pathname + search };
}
