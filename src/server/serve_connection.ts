// One connection of a server, from its first request to its end: plain HTTP, request by request, until one of them becomes
// a WebSocket. Its server can stop it at any time, at once or when what is under way is done.

import { unlessAborted } from "../base/abort.ts";
import type { NetworkAddress } from "../base/network_address.ts";
import type { Rostered } from "../base/roster.ts";
import { HandshakeError, type RequestHead } from "../errors/handshake_error.ts";
import type { ConnectionOwner } from "../connection/connection_owner.ts";
import { ExchangeError, type Problem } from "../errors/problem.ts";
import { isEndOfConnection } from "../errors/websocket_error.ts";
import { Exchange } from "../exchange/exchange.ts";
import { refuse } from "../handshake/refusal.ts";
import { listHas } from "../http/field_values.ts";
import { isPersistent, type ParsedRequest } from "../http/request_head.ts";
import { checkResponse, discardBody } from "../http/response.ts";
import { linger } from "../transport/linger.ts";
import type { OwnedTransport } from "../transport/owned_transport.ts";
import type { Accepted } from "./accepted.ts";
import { type HandshakeHost, Handshaking } from "./handshaking.ts";
import type { Limits, Place } from "./limits.ts";
import { readBehindHead } from "./read_request.ts";
import { respond, serverError } from "./respond.ts";
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
  onOver(connection: ServeConnection): void;
}

/** One connection. */
export class ServeConnection implements HandshakeHost, ConnectionOwner, Place, Rostered {
  place = -1;
  key: string | undefined;
  isReserved = false;
  isPending = false;
  readonly #host: ConnectionHost;
  readonly #transport: OwnedTransport;
  #exchange!: Exchange;
  /** The handshake with which each request begins; none while one is answered as plain HTTP. */
  #handshaking: Handshaking | undefined;
  #socket: Accepted | undefined;
  /** For what is told of later: some sockets know it only until they are closed. */
  #remoteAddr: NetworkAddress | undefined;
  /** Of a WebSocket: whether its handler is done, and whether it is closed. */
  #isHandled = false;
  #isClosed = false;

  constructor(transport: OwnedTransport, host: ConnectionHost) {
    this.#transport = transport;
    this.#host = host;
  }

  /** It is told itself of the end of its WebSocket. */
  get owner(): ConnectionOwner {
    return this;
  }

  get passesHttp(): boolean {
    return this.#host.options.handlers.http !== undefined;
  }

  /** Serves the next request. */
  run(prefix?: Uint8Array): void {
    const { accepting: options } = this.#host.options;
    const { connection: { clock }, handshakeTimeout: timeout } = options;
    this.#exchange = new Exchange(this.#transport, { clock, timeout, prefix });
    this.#handshaking = new Handshaking(this.#exchange, options, this);
    this.#handshaking.begin();
  }

  /** A request is answered. With what was read behind it another one may follow. */
  async #goOn(prefix: Uint8Array | undefined): Promise<void> {
    if (prefix && !this.#host.stopping) return this.run(prefix);
    if (prefix) await this.#linger(); // it was told that it may go on, and the server stops
    this.#host.limits.leave(this);
    this.#host.onOver(this);
  }

  async #linger(): Promise<void> {
    const { clock, closeTimeout: timeout } = this.#host.options.accepting.connection;
    await linger(this.#transport, { clock, timeout, signal: undefined }).closed;
  }

  /** Ends it if nothing is under way: a request is waited for. */
  stopIdle(): void {
    if (this.#handshaking && !this.#handshaking.started) this.#transport.lose(new Error("The server stops"));
  }

  /** Ends it at once. */
  abort(reason: unknown): void {
    if (this.#socket) this.#socket.abort(reason);
    else this.#transport.lose(reason);
  }

  async onHttp(request: ParsedRequest): Promise<void> {
    this.#handshaking = undefined;
    this.#goOn(await this.#serveHttp(this.#exchange, request));
  }

  /** A handshake has failed, and was answered. A client that leaves without having asked for anything is no error. */
  onFailed(error: unknown): void {
    const { started, request } = this.#handshaking!;
    this.#handshaking = undefined;
    if (!(error instanceof HandshakeError)) this.#report("handshake", error, request);
    else if (started) this.#report("peer", error, request);
    this.#goOn(error instanceof HandshakeError && error.reusable ? error.rest : undefined);
  }

  onOpen(socket: Accepted): void {
    this.#handshaking = undefined;
    this.#socket = socket;
    this.#host.limits.onOpen(this);
    this.#isHandled = this.#host.stopping !== undefined; // before onOpen(), which may be the end
    this.#host.onOpen(socket);
    if (!this.#isHandled) this.#handle(socket);
  }

  async #handle(socket: Accepted): Promise<void> {
    try {
      await this.#host.options.handlers.socket(socket);
    } catch (error) {
      this.#onHandlerFailed(socket, error);
    }
    this.#isHandled = true;
    this.#checkOver();
  }

  #onHandlerFailed(socket: Accepted, error: unknown): void {
    // What a connection has ended with, or a call that came too late for it, is not the handler's mistake
    const isEnd = socket.state !== "open" && isEndOfConnection(error);
    this.#report(isEnd ? "peer" : "socket", error, socket.request);
    if (socket.state === "open") socket.close({ closeCode: 1011 });
  }

  admit(request: RequestHead): Problem | undefined {
    return this.#host.stopping ?? this.#host.limits.reserve(this, request, this.#transport);
  }

  onRefuse(): void {
    this.#host.limits.giveUp(this);
    this.#remoteAddr = this.#transport.remoteAddr;
  }

  onClosed(): void {
    this.#isClosed = true;
    this.#host.limits.leave(this);
    this.#checkOver();
  }

  #checkOver(): void {
    if (this.#isHandled && this.#isClosed) this.#host.onOver(this);
  }

  /** Answers a request that does not ask for a WebSocket, and whose head is read. */
  async #serveHttp(exchange: Exchange, head: ParsedRequest): Promise<Uint8Array | undefined> {
    const { accepting: { connection: { clock, closeTimeout }, handshakeTimeout } } = this.#host.options;
    let answer: HttpAnswer;
    try {
      answer = await this.#answer(exchange, head);
    } catch (error) { // nobody waits for an answer any more
      exchange.abort();
      if (error instanceof ExchangeError) this.#report("peer", unanswered(error, head), head);
      else this.#report("http", error, head);
      return undefined;
    }
    this.#remoteAddr = this.#transport.remoteAddr; // its body may fail
    const { response, isReusable, asking } = answer;
    const keepAlive = isReusable && !this.#host.stopping && isPersistent(head) &&
      !listHas(response.headers.get("connection"), "close");
    exchange.dispose();
    try {
      const timeout = isReusable ? handshakeTimeout : closeTimeout;
      const options = { clock, timeout, signal: undefined, request: head, keepAlive, prefix: exchange.rest };
      return await respond(this.#transport, response, { ...options, isPaced: isReusable, sending: asking });
    } catch (error) {
      this.#report("http", error, head); // its body has failed
      return undefined;
    }
  }

  async #answer(exchange: Exchange, head: ParsedRequest): Promise<HttpAnswer> {
    const { maxBodySize } = this.#host.options;
    const request = await readBehindHead(exchange, head, maxBodySize).catch((error: unknown): Problem => {
      if (!(error instanceof ExchangeError) || error.failure !== "handshake-timeout") throw error;
      return { failure: error.failure, detail: error.message };
    });
    if ("failure" in request) return this.#refuse(request, head);
    exchange.allow(0); // the handler takes its time
    const asking = new AbortController(), context = contextOf(exchange, asking);
    try {
      const handling = this.#askHandler(request, context);
      return { response: await unlessAborted(handling, exchange.signal, discardBody), isReusable: true, asking };
    } finally {
      exchange.stopWatching();
    }
  }

  /** The response of the handler, or a 500 in its place. */
  async #askHandler(request: Request, context: HttpContext): Promise<Response> {
    let response: Response | undefined;
    try {
      response = await this.#host.options.handlers.http!(request, context);
      if (!(response instanceof Response)) {
        throw new TypeError("Cannot respond: the handler http must return a Response");
      }
      response = withoutHopByHop(response);
      checkResponse(response);
      return response;
    } catch (error) {
      if (response instanceof Response) discardBody(response);
      this.#report(context.signal.aborted ? "peer" : "http", error, request); // it may have stopped because of the signal
      return serverError();
    }
  }

  #refuse(problem: Problem, head: ParsedRequest): HttpAnswer {
    try {
      const { response, error } = refuse(problem, this.#host.options.accepting.headers, head);
      this.#report("peer", error, head);
      return { response, isReusable: false };
    } catch (error) {
      this.#report("handshake", error, head);
      return { response: serverError(), isReusable: false };
    }
  }

  #report(kind: ServeErrorContext["kind"], error: unknown, request: RequestHead | undefined): void {
    this.#host.report(error, { kind, request, remoteAddr: this.#remoteAddr ?? this.#transport.remoteAddr });
  }
}

/** A response, and whether the request was read to its end, so that another one may follow. */
interface HttpAnswer {
  readonly response: Response;
  readonly isReusable: boolean;
  /** Behind the signal of the handler. */
  readonly asking?: AbortController;
}

/** A client that was lost before its request was answered. */
function unanswered({ failure, message, cause }: ExchangeError, request: RequestHead): HandshakeError {
  return new HandshakeError(failure, `Cannot answer the request: ${message}`, { cause, request });
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

/** The addresses are looked up when somebody asks for them. */
function contextOf(exchange: Exchange, asking: AbortController): HttpContext {
  const { transport } = exchange, signal = exchange.watch(asking);
  return {
    signal,
    get remoteAddr() {
      return transport.remoteAddr;
    },
    get localAddr() {
      return transport.localAddr;
    },
  };
}
