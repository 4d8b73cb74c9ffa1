// A server's handshake on a connection: drives the machine with what the exchange pushes, asks who has a say, and sends the
// answer. A request that comes in one chunk, and that nobody has to think about, is answered before the chunk is handed
// back, without a promise.

import { fastSha1 } from "../base/tuning.ts";
import type { ConnectionOwner } from "../connection/connection_owner.ts";
import { HandshakeError, type RequestHead } from "../errors/handshake_error.ts";
import { endedBefore, endedInHead, ExchangeError, type Problem } from "../errors/problem.ts";
import type { Exchange, ExchangeReader } from "../exchange/exchange.ts";
import { isUpgrade } from "../handshake/answer.ts";
import { askPolicy } from "../handshake/decide.ts";
import { isReusable, refuse } from "../handshake/refusal.ts";
import { ServerMachine } from "../handshake/server_machine.ts";
import type { ParsedRequest } from "../http/request_head.ts";
import { RequestReader } from "../http/request_reader.ts";
import { discardBody } from "../http/response.ts";
import type { CheckedAcceptOptions } from "./accept_options.ts";
import { type Accepted, AcceptedConnection, ForgetfulConnection } from "./accepted.ts";
import { respond, serverError } from "./respond.ts";

/** Who is told of what becomes of a handshake. */
export interface HandshakeHost {
  /** Who is told of the end of the WebSocket. */
  readonly owner?: ConnectionOwner;
  /** Whether a request that does not ask for a WebSocket is passed on, to be answered as plain HTTP, and not refused. */
  readonly passesHttp?: boolean;
  /** Whether {@linkcode HandshakeHost.admit} shows the request to code of the caller's. */
  readonly showsRequest?: boolean;
  /** A request asks for a WebSocket: gives what speaks against it on this server, before anything else is judged. */
  admit?(request: RequestHead): Problem | undefined;
  /** The upgrade is refused; the refusal is not sent yet. */
  onRefuse?(): void;
  /** A request is passed on: the exchange goes on behind its head. */
  onHttp?(request: ParsedRequest): void;
  /** The WebSocket is open. */
  onOpen(socket: Accepted): void;
  /** It has failed, as {@linkcode accept} rejects; a refusal is sent, and the connection is closed or given back. */
  onFailed(error: unknown): void;
}

/** A response that is due, and the error to tell once it is sent. */
interface Due {
  readonly response: Response;
  readonly error: unknown;
  /** Whether the connection can be given back. */
  readonly keepAlive: boolean;
}

/** One handshake. */
export class Handshaking implements ExchangeReader {
  readonly #exchange: Exchange;
  readonly #options: CheckedAcceptOptions;
  readonly #host: HandshakeHost;
  readonly #machine: ServerMachine;
  /** Whether nothing that is told of the exchange matters any more: it is open, passed on, or has failed. */
  #isOver = false;

  constructor(exchange: Exchange, options: CheckedAcceptOptions, host: HandshakeHost) {
    this.#exchange = exchange;
    this.#options = options;
    this.#host = host;
    const reader = new RequestReader(options.maxHeadSize, exchange.transport.isSecure);
    this.#machine = new ServerMachine(options, reader, options.request);
  }

  /** Reads the request, unless it is there, and answers it. */
  begin(): void {
    if (!this.#machine.request) return this.#exchange.pushTo(this);
    this.#exchange.drivenBy(this);
    this.#judge();
  }

  /** Whether a byte of the request has come. */
  get started(): boolean {
    return this.#machine.started;
  }

  /** The request, once its head is read. */
  get request(): RequestHead | undefined {
    return this.#machine.request;
  }

  onChunk(chunk: Uint8Array): void {
    const machine = this.#machine;
    const read = machine.receive(chunk);
    if (!read) return;
    this.#exchange.stop(machine.rest);
    this.#judge("failure" in read ? read : undefined);
  }

  onEnd(): void {
    this.#fail(this.#machine.started ? endedInHead() : endedBefore("a request"));
  }

  onWritten(): void {
    this.#open();
  }

  onFailed(reason: unknown): void {
    this.#fail(reason);
  }

  /** @param broken What is wrong with the head, if it can't be read. */
  #judge(broken?: Problem): void {
    const machine = this.#machine, { request } = machine, host = this.#host;
    try {
      if (request && host.passesHttp && !isUpgrade(request)) return this.#passOn(request as ParsedRequest); // it was read here
      const problem = broken ?? host.admit?.(request!);
      if (problem) machine.refuse(problem);
      else machine.judge();
      // Only a policy can take long to decide: without one, no signal and no promise are made
      if (machine.refusal) this.#refuse(!problem);
      else if (this.#options.authorize) this.#ask();
      else this.#agree();
    } catch (error) {
      this.#fail(error);
    }
  }

  #passOn(request: ParsedRequest): void {
    this.#isOver = true;
    this.#exchange.drivenBy(undefined);
    this.#host.onHttp!(request);
  }

  /** Asks the caller's own check, unless the exchange fails first. */
  async #ask(): Promise<void> {
    const exchange = this.#exchange, machine = this.#machine, { transport } = exchange, signal = exchange.watch();
    // Who asks a signal that has aborted to tell when it does waits for ever
    if (exchange.hasFailed) return this.#fail(exchange.signal.reason);
    try {
      const response = await askPolicy(machine.request!, { ...this.#options, signal, transport });
      if (this.#isOver) return response && discardBody(response);
      exchange.stopWatching();
      if (!response) return this.#agree();
      machine.refuseWith(response);
      this.#refuse(true);
    } catch (error) {
      if (!this.#isOver) this.#fail(error);
    }
  }

  #agree(): void {
    this.#machine.agree(fastSha1());
    if (this.#exchange.send(this.#machine.writeAcceptance())) this.#open();
  }

  /** The 101 is written. */
  #open(): void {
    this.#isOver = true;
    const exchange = this.#exchange, { connection, authorize, headers, keepRequest } = this.#options, host = this.#host;
    exchange.dispose();
    const { request, acceptance } = this.#machine, { transport, rest } = exchange;
    const isSeen = authorize !== undefined || headers !== undefined || host.showsRequest === true ||
      request === this.#options.request;
    const Socket = keepRequest ? AcceptedConnection : ForgetfulConnection;
    host.onOpen(new Socket(transport, acceptance!, connection, rest, request!, host.owner, isSeen));
  }

  /** @param isJudged Whether it is the request that is refused: then another one may follow. */
  #refuse(isJudged: boolean): void {
    const { response, error } = this.#machine.refusal!;
    const keepAlive = isJudged && this.#options.keepAlive && isReusable(response, this.#machine.request!);
    this.#conclude({ response, error, keepAlive });
  }

  /** No decision was made: because it took too long, the connection is lost, or the caller's code has failed. */
  #fail(error: unknown): void {
    if (this.#isOver) throw error; // it is not of the handshake
    this.#exchange.stopWatching();
    try {
      this.#conclude(this.#dueFor(error));
    } catch (error) {
      this.#close(error);
    }
  }

  /** The response to a failure. Throws the error if there is to be none. */
  #dueFor(error: unknown): Due {
    const exchange = this.#exchange, { request, started } = this.#machine;
    if (error instanceof ExchangeError) {
      // Before the first byte of a request, nobody waits for an answer
      if (error.failure !== "handshake-timeout" || !started) throw error;
      const problem: Problem = { failure: error.failure, detail: error.message };
      try {
        return { ...refuse(problem, this.#options.headers, request), keepAlive: false };
      } catch (error) {
        return { response: serverError(), error, keepAlive: false };
      }
    }
    if (exchange.hasFailed || exchange.hasWritten) throw error;
    return { response: serverError(), error, keepAlive: false };
  }

  /** Sends the response that is due. Tells its error whether the connection can be used again. */
  async #conclude({ response, error, keepAlive }: Due): Promise<void> {
    this.#isOver = true;
    const exchange = this.#exchange, { connection: { clock, closeTimeout: timeout }, signal } = this.#options;
    try {
      this.#host.onRefuse?.();
      exchange.dispose();
      const sending = { clock, timeout, signal, request: this.request, keepAlive, prefix: exchange.rest };
      const rest = await respond(exchange.transport, response, sending);
      if (rest && error instanceof HandshakeError) Object.assign(error, { reusable: true, rest });
    } catch (error) {
      return this.#close(error);
    }
    this.#host.onFailed(error);
  }

  #close(error: unknown): void {
    this.#isOver = true;
    this.#exchange.abort();
    if (!(error instanceof ExchangeError)) return this.#host.onFailed(error);
    const { failure, message, cause } = error, { request } = this;
    this.#host.onFailed(new HandshakeError(failure, `Cannot accept the upgrade: ${message}`, { cause, request }));
  }
}
