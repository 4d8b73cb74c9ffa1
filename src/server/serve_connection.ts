// One connection of a server, from its first request to its end: plain HTTP, request by request, until one of them becomes
// a WebSocket. Its server can stop it at any time, at once or when what is under way is done.

import { unlessAborted } from "../base/abort.ts";
import { HandshakeError, type RequestHead } from "../errors/handshake_error.ts";
import { ExchangeError, type Problem } from "../errors/problem.ts";
import { Exchange } from "../exchange/exchange.ts";
import { refuse } from "../handshake/refusal.ts";
import { listHas } from "../http/field_values.ts";
import { HeadReader } from "../http/head_reader.ts";
import { isPersistent, type ParsedRequest } from "../http/request_head.ts";
import { discardBody } from "../http/response.ts";
import { linger } from "../transport/linger.ts";
import type { OwnedTransport } from "../transport/owned_transport.ts";
import { type HandshakeOwner, shakeHands } from "./accept.ts";
import { readBehindHead } from "./read_request.ts";
import { respond, serverError } from "./respond.ts";
import type { HttpContext } from "./serve_options.ts";
import { type ConnectionHost, Served } from "./served.ts";

/** One connection. */
export class ServeConnection extends Served implements HandshakeOwner {
  readonly #host: ConnectionHost;
  readonly #transport: OwnedTransport;
  /** Reads the head of a request that is waited for; none while a request is answered. */
  #reader: HeadReader | undefined;

  constructor(transport: OwnedTransport, host: ConnectionHost) {
    super(transport, host);
    this.#transport = transport;
    this.#host = host;
  }

  /** Serves it. Never rejects. */
  async run(): Promise<void> {
    let prefix: Uint8Array | undefined;
    do prefix = await this.#serveNext(prefix); while (prefix && !this.#host.stopping);
    if (prefix) await this.#linger(); // it was told that it may go on, and the server stops
    if (!this.isSocket) this.leave();
  }

  async #linger(): Promise<void> {
    const { clock, closeTimeout: timeout } = this.#host.options.accepting.connection;
    await linger(this.#transport, { clock, timeout, signal: undefined }).closed;
  }

  /** Ends it if nothing is under way: a request is waited for. */
  stopIdle(): void {
    if (this.#reader && !this.#reader.started) this.#transport.lose(new Error("The server stops"));
  }

  protected drop(reason: unknown): void {
    this.#transport.lose(reason);
  }

  /** Serves one request. Gives what was read behind it when another one may follow. */
  async #serveNext(prefix: Uint8Array | undefined): Promise<Uint8Array | undefined> {
    const { accepting: options, handlers } = this.#host.options;
    const { connection: { clock }, handshakeTimeout: timeout } = options;
    const exchange = new Exchange(this.#transport, { clock, timeout, prefix });
    const reader = this.#reader = new HeadReader(options.maxHeadSize, 1);
    const handshake = { exchange, options, reader, request: undefined, passesHttp: !!handlers.http, owner: this };
    try {
      const outcome = await shakeHands(handshake);
      this.#reader = undefined;
      if ("closed" in outcome) this.open(outcome);
      else return await this.#serveHttp(exchange, outcome);
    } catch (error) {
      this.#reader = undefined;
      return this.#onFailed(error, reader.started, handshake.request);
    }
    return undefined;
  }

  /** A handshake has failed, and was answered. A client that leaves without having asked for anything is no error. */
  #onFailed(error: unknown, hasAsked: boolean, request: RequestHead | undefined): Uint8Array | undefined {
    if (!(error instanceof HandshakeError)) this.report("handshake", error, request);
    else if (hasAsked) this.report("peer", error, request);
    return error instanceof HandshakeError && error.reusable ? error.rest : undefined;
  }

  admit(request: RequestHead): Problem | undefined {
    return this.#host.stopping ?? this.#host.limits.reserve(this, request, this.#transport);
  }

  onRefuse(): void {
    this.#host.limits.giveUp(this);
    this.keepAddress();
  }

  /** Answers a request that does not ask for a WebSocket, and whose head is read. */
  async #serveHttp(exchange: Exchange, head: ParsedRequest): Promise<Uint8Array | undefined> {
    const { accepting: { connection: { clock, closeTimeout }, handshakeTimeout } } = this.#host.options;
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
    const keepAlive = isReusable && !this.#host.stopping && isPersistent(head) &&
      !listHas(response.headers.get("connection"), "close");
    exchange.dispose();
    try {
      const timeout = isReusable ? handshakeTimeout : closeTimeout;
      const options = { clock, timeout, signal: undefined, request: head, keepAlive, prefix: exchange.rest };
      return await respond(this.#transport, response, { ...options, isPaced: isReusable, sending: asking });
    } catch (error) {
      this.report("http", error, head); // its body has failed
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
      const handling = this.askHandler(request, context);
      return { response: await unlessAborted(handling, exchange.signal, discardBody), isReusable: true, asking };
    } finally {
      exchange.stopWatching();
    }
  }

  #refuse(problem: Problem, head: ParsedRequest): HttpAnswer {
    try {
      const { response, error } = refuse(problem, this.#host.options.accepting.headers, head);
      this.report("peer", error, head);
      return { response, isReusable: false };
    } catch (error) {
      this.report("handshake", error, head);
      return { response: serverError(), isReusable: false };
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
