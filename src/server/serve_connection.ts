// One connection of a server, from its first request to its end: plain HTTP, request by request, until one of them becomes
// a WebSocket. Its server can stop it at any time, at once or when what is under way is done.

import { unlessAborted } from "../base/abort.ts";
import { HandshakeError, type RequestHead } from "../errors/handshake_error.ts";
import type { ConnectionOwner } from "../connection/connection_owner.ts";
import { ExchangeError, type Problem } from "../errors/problem.ts";
import { Exchange } from "../exchange/exchange.ts";
import { listHas } from "../http/field_values.ts";
import { isPersistent, type ParsedRequest } from "../http/request_head.ts";
import { discardBody } from "../http/response.ts";
import { linger } from "../transport/linger.ts";
import type { OwnedTransport } from "../transport/owned_transport.ts";
import type { Accepted } from "./accepted.ts";
import { type HandshakeHost, Handshaking } from "./handshaking.ts";
import { readBehindHead } from "./read_request.ts";
import { respond } from "./respond.ts";
import type { HttpContext } from "./serve_options.ts";
import { Served } from "./served.ts";

/** One connection. */
export class ServeConnection extends Served<OwnedTransport> implements HandshakeHost {
  /** The one of the request that is under way; a WebSocket does without. */
  #exchange: Exchange | undefined;
  /** The handshake with which each request begins; none while one is answered as plain HTTP. */
  #handshaking: Handshaking | undefined;

  /** It is told itself of the end of its WebSocket. */
  get owner(): ConnectionOwner {
    return this;
  }

  get passesHttp(): boolean {
    return this.host.options.handlers.http !== undefined;
  }

  get showsRequest(): boolean {
    return this.host.limits.showsRequests;
  }

  /** Serves the next request. */
  run(prefix?: Uint8Array): void {
    const { accepting: options } = this.host.options;
    const { connection: { clock }, handshakeTimeout: timeout } = options;
    const exchange = this.#exchange = new Exchange(this.transport, { clock, timeout, prefix });
    this.#handshaking = new Handshaking(exchange, options, this);
    this.#handshaking.begin();
  }

  /** A request is answered. With what was read behind it another one may follow. */
  async #goOn(prefix: Uint8Array | undefined): Promise<void> {
    if (prefix && !this.host.stopping) return this.run(prefix);
    if (prefix) await this.#linger(); // it was told that it may go on, and the server stops
    this.leave();
  }

  async #linger(): Promise<void> {
    const { clock, closeTimeout: timeout } = this.host.options.accepting.connection;
    await linger(this.transport, { clock, timeout, signal: undefined }).closed;
  }

  /** Ends it if nothing is under way: a request is waited for. */
  stopIdle(): void {
    if (this.#handshaking && !this.#handshaking.started) this.transport.lose(new Error("The server stops"));
  }

  protected drop(reason: unknown): void {
    this.transport.lose(reason);
  }

  async onHttp(request: ParsedRequest): Promise<void> {
    this.#handshaking = undefined;
    this.#goOn(await this.#serveHttp(this.#exchange!, request));
  }

  /** A handshake has failed, and was answered. A client that leaves without having asked for anything is no error. */
  onFailed(error: unknown): void {
    const { started, request } = this.#handshaking!;
    this.#handshaking = undefined;
    if (!(error instanceof HandshakeError)) this.report("handshake", error, request);
    else if (started) this.report("peer", error, request);
    this.#goOn(error instanceof HandshakeError && error.reusable ? error.rest : undefined);
  }

  onOpen(socket: Accepted): void {
    this.#handshaking = this.#exchange = undefined;
    this.open(socket);
  }

  admit(request: RequestHead): Problem | undefined {
    return this.host.stopping ?? this.host.limits.reserve(this, request, this.transport);
  }

  onRefuse(): void {
    this.host.limits.giveUp(this);
    this.keepAddress();
  }

  /** Answers a request that does not ask for a WebSocket, and whose head is read. */
  async #serveHttp(exchange: Exchange, head: ParsedRequest): Promise<Uint8Array | undefined> {
    const { accepting: { connection: { clock, closeTimeout }, handshakeTimeout } } = this.host.options;
    let answer: HttpAnswer;
    try {
      answer = await this.#answer(exchange, head);
    } catch (error) { // nobody waits for an answer any more
      exchange.abort();
      if (error instanceof ExchangeError) this.report("peer", unanswered(error, head), head);
      else this.report("http", error, head);
      return undefined;
    }
    this.keepAddress(); // its body may fail
    const { response, isReusable, asking } = answer;
    const keepAlive = isReusable && !this.host.stopping && isPersistent(head) &&
      !listHas(response.headers.get("connection"), "close");
    exchange.dispose();
    try {
      const timeout = isReusable ? handshakeTimeout : closeTimeout;
      const options = { clock, timeout, signal: undefined, request: head, keepAlive, prefix: exchange.rest };
      return await respond(this.transport, response, { ...options, isPaced: isReusable, sending: asking });
    } catch (error) {
      this.report("http", error, head); // its body has failed
      return undefined;
    }
  }

  async #answer(exchange: Exchange, head: ParsedRequest): Promise<HttpAnswer> {
    const { maxBodySize } = this.host.options;
    const request = await readBehindHead(exchange, head, maxBodySize).catch((error: unknown): Problem => {
      if (!(error instanceof ExchangeError) || error.failure !== "handshake-timeout") throw error;
      return { failure: error.failure, detail: error.message };
    });
    if ("failure" in request) return { response: this.refuseHttp(request, head), isReusable: false };
    exchange.allow(0); // the handler takes its time
    const asking = new AbortController(), context = contextOf(exchange, asking);
    try {
      const handling = this.askHandler(request, context);
      return { response: await unlessAborted(handling, exchange.signal, discardBody), isReusable: true, asking };
    } finally {
      exchange.stopWatching();
    }
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
