// What a server has of one client at a time, a connection or a stream of HTTP/2: its place among the limits, its WebSocket
// with the handler, and what is told of its errors.

import type { NetworkAddress } from "../base/network_address.ts";
import type { Rostered } from "../base/roster.ts";
import type { ConnectionOwner } from "../connection/connection_owner.ts";
import type { RequestHead } from "../errors/handshake_error.ts";
import type { Problem } from "../errors/problem.ts";
import { isEndOfConnection } from "../errors/websocket_error.ts";
import { refuse } from "../handshake/refusal.ts";
import { checkResponse, discardBody } from "../http/response.ts";
import type { Transport } from "../transport/transport.ts";
import { type Accepted, AcceptedConnection } from "./accepted.ts";
import type { Limits, Place } from "./limits.ts";
import { serverError } from "./respond.ts";
import type { CheckedServeOptions, HttpContext, ServeErrorContext } from "./serve_options.ts";

/** What a connection needs of its server. */
export interface ConnectionHost {
  readonly options: CheckedServeOptions;
  readonly limits: Limits;
  /** Why no WebSocket begins any more, once the server is about to end: then no connection is kept alive, either. */
  readonly stopping: Problem | undefined;
  /** Tells of an error that nobody else sees. */
  report(error: unknown, context: ServeErrorContext): void;
  /** A WebSocket is open. */
  onOpen(socket: Accepted): void;
  /** The connection is closed, and the handler of its WebSocket done. */
  onOver(served: Served): void;
}

/** One of them. */
export abstract class Served<Owned extends Transport = Transport> implements ConnectionOwner, Place, Rostered {
  place = -1;
  key: string | undefined;
  isReserved = false;
  isPending = false;
  protected readonly host: ConnectionHost;
  protected readonly transport: Owned;
  #socket: Accepted | undefined;
  /** For what is told of later: some sockets know it only until they are closed. */
  #remoteAddr: NetworkAddress | undefined;
  /** Of a WebSocket: whether its handler is done, and whether it is closed. */
  #isHandled = false;
  #isClosed = false;

  constructor(transport: Owned, host: ConnectionHost) {
    this.transport = transport;
    this.host = host;
  }

  /** Ends it if nothing is under way: a request is waited for. */
  abstract stopIdle(): void;

  /** Ends what is no WebSocket yet, at once. */
  protected abstract drop(reason: unknown): void;

  /** Ends it at once. */
  abort(reason: unknown): void {
    if (this.#socket) this.#socket.abort(reason);
    else this.drop(reason);
  }

  /** It is over without having become a WebSocket. */
  protected leave(): void {
    this.host.limits.leave(this);
    this.host.onOver(this);
  }

  /** It has become a WebSocket: calls the handler. */
  protected open(socket: Accepted): void {
    this.#socket = socket;
    this.host.limits.onOpen(this);
    this.#isHandled = this.host.stopping !== undefined; // before onOpen(), which may be the end
    this.host.onOpen(socket);
    if (!this.#isHandled) this.#handle(socket);
  }

  /** Not an async function, which would keep more of each WebSocket as long as its handler runs. */
  #handle(socket: Accepted): void {
    try {
      const handling = Promise.resolve(this.host.options.handlers.socket(socket));
      handling.then(() => this.#onHandled(), (error: unknown) => this.#onHandlerFailed(socket, error));
    } catch (error) {
      this.#onHandlerFailed(socket, error);
    }
  }

  #onHandled(): void {
    this.#isHandled = true;
    this.#checkOver();
  }

  #onHandlerFailed(socket: Accepted, error: unknown): void {
    // What a connection has ended with, or a call that came too late for it, is not the handler's mistake
    const isEnd = socket.state !== "open" && isEndOfConnection(error);
    this.report(isEnd ? "peer" : "socket", error, AcceptedConnection.requestOf(socket));
    if (socket.state === "open") socket.close({ closeCode: 1011 });
    this.#onHandled();
  }

  onClosed(): void {
    this.#isClosed = true;
    this.host.limits.leave(this);
    this.#checkOver();
  }

  #checkOver(): void {
    if (this.#isHandled && this.#isClosed) this.host.onOver(this);
  }

  /** The response to a plain request that has a problem. */
  protected refuseHttp(problem: Problem, head: RequestHead): Response {
    try {
      const { response, error } = refuse(problem, this.host.options.accepting.headers, head);
      this.report("peer", error, head);
      return response;
    } catch (error) {
      this.report("handshake", error, head);
      return serverError();
    }
  }

  /**
   * The response of the handler, or a 500 in its place.
   *
   * @param refuse Gives the response in its place, if it has failed for what is wrong with the request.
   */
  protected async askHandler(
    request: Request,
    context: HttpContext,
    refuse?: () => Response | undefined,
  ): Promise<Response> {
    let response: Response | undefined;
    try {
      response = await this.host.options.handlers.http!(request, context);
      if (!(response instanceof Response)) {
        throw new TypeError("Cannot respond: the handler http must return a Response");
      }
      response = withoutHopByHop(response);
      checkResponse(response);
      return response;
    } catch (error) {
      if (response instanceof Response) discardBody(response);
      const refusal = refuse?.();
      if (refusal) return refusal;
      this.report(context.signal.aborted ? "peer" : "http", error, request); // it may have stopped because of the signal
      return serverError();
    }
  }

  /** Keeps the address for what is told of later. */
  protected keepAddress(): void {
    this.#remoteAddr = this.transport.remoteAddr;
  }

  protected report(kind: ServeErrorContext["kind"], error: unknown, request: RequestHead | undefined): void {
    this.host.report(error, { kind, request, remoteAddr: this.#remoteAddr ?? this.transport.remoteAddr });
  }
}

/** Fields for one hop, which a response from another server may have (RFC 9110 §7.6.1). Not Upgrade, which a 426 needs. */
const HOP_BY_HOP = ["keep-alive", "proxy-connection", "te", "transfer-encoding"];

/** The response itself, or one with its body and without fields that are for another connection. */
function withoutHopByHop(response: Response): Response {
  if (response.status < 200 || response.bodyUsed || !HOP_BY_HOP.some((name) => response.headers.has(name))) {
    return response;
  }
  const { body, status, statusText } = response, headers = new Headers(response.headers);
  for (const name of HOP_BY_HOP) headers.delete(name);
  return new Response(body, { status, statusText, headers });
}
