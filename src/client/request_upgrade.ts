// The client's half of the handshake, on the wire: sends the request and reads the final response. Its head alone
// decides what comes next. For the error of a refusal the body is read, and the connection is closed or given back.

import { ByteBuilder } from "../base/byte_builder.ts";
import { fastSha1 } from "../base/tuning.ts";
import type { CheckedOptions } from "../connection/connection_options.ts";
import type { HandshakeError } from "../errors/handshake_error.ts";
import { endedBefore, endedInHead, ExchangeError, type Problem } from "../errors/problem.ts";
import type { Exchange, ExchangeReader } from "../exchange/exchange.ts";
import { readBody } from "../exchange/read_body.ts";
import { ClientMachine } from "../handshake/client_machine.ts";
import { handshakeFailed } from "../handshake/confirm.ts";
import type { OfferDraft } from "../handshake/offer.ts";
import { listHas } from "../http/field_values.ts";
import { toResponse } from "../http/response.ts";
import type { ParsedResponse } from "../http/response_head.ts";
import { linger } from "../transport/linger.ts";

/** Limits of the response, and what to do after a refusal. */
export interface RequestUpgradeOptions {
  readonly maxHeadSize: number;
  readonly maxBodySize: number;
  readonly keepAlive: boolean;
  readonly connection: CheckedOptions;
}

/**
 * Asks for an upgrade, and judges the head of the response.
 *
 * @returns The machine, which has agreed, or knows what is wrong: of a refusal only the head is read. The exchange goes on.
 */
export function requestUpgrade(exchange: Exchange, offer: OfferDraft, maxHeadSize: number): Promise<ClientMachine> {
  return new Asking(exchange, new ClientMachine(offer, maxHeadSize, fastSha1())).begin();
}

/** A request for an upgrade, under way. */
class Asking implements ExchangeReader {
  readonly #exchange: Exchange;
  readonly #machine: ClientMachine;
  readonly #answered = Promise.withResolvers<ClientMachine>();

  constructor(exchange: Exchange, machine: ClientMachine) {
    this.#exchange = exchange;
    this.#machine = machine;
  }

  begin(): Promise<ClientMachine> {
    this.#exchange.drivenBy(this);
    if (this.#exchange.send(this.#machine.writeRequest())) this.onWritten();
    return this.#answered.promise;
  }

  onWritten(): void {
    this.#exchange.pushTo(this);
  }

  onChunk(chunk: Uint8Array): void {
    if (!this.#machine.receive(chunk)) return;
    this.#exchange.stop(this.#machine.rest);
    this.#exchange.drivenBy(undefined);
    this.#answered.resolve(this.#machine);
  }

  onEnd(): void {
    this.onFailed(this.#machine.started ? endedInHead() : endedBefore("a response"));
  }

  onFailed(reason: unknown): void {
    this.#exchange.drivenBy(undefined);
    this.#answered.reject(reason);
  }
}

/**
 * How long the caller waits for the rest of a refusal, in milliseconds: its body, and the end of the connection. The head
 * says what matters, and not every server ends a body without a length.
 */
const REFUSAL_TIMEOUT = 2000;

/** Reads as much of the refusal's body as comes in time, gives the connection back or closes it, and makes the error. */
export async function readRefusal(
  exchange: Exchange,
  { head, offer }: ClientMachine,
  problem: Problem,
  { maxBodySize, keepAlive, connection }: RequestUpgradeOptions,
): Promise<HandshakeError> {
  const body = new ByteBuilder();
  let whole = false;
  exchange.hurry(REFUSAL_TIMEOUT);
  try {
    whole = head !== undefined && await readBody(exchange, head.body, maxBodySize, body) === true;
  } catch (error) {
    // The head says that it is a refusal: a body that breaks off or comes too late is cut there
    if (!(error instanceof ExchangeError)) throw error;
  }
  const reusable = keepAlive && whole && isReusable(head!);
  if (reusable) exchange.release();
  else {
    const { clock, closeTimeout: timeout } = connection;
    // Closing while the server is still sending would reset the connection (RFC 9112 §9.6); the time limit holds here, too
    if (!whole) await linger(exchange.transport, { clock, timeout, signal: exchange.signal }).closed;
    exchange.abort();
  }
  return handshakeFailed(problem, {
    request: offer.request,
    response: head && toResponse(head, body.take()),
    reusable,
    rest: reusable ? exchange.rest : undefined,
    truncated: head !== undefined && !whole,
  });
}

/** Whether the connection can be used again after this response, once its body is read (RFC 9112 §9.3). */
function isReusable({ body, version, status, headers }: ParsedResponse): boolean {
  return body !== "end" && version === "1.1" && status !== 101 && !listHas(headers.get("connection"), "close");
}
