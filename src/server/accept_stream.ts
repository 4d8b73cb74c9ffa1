// The server's handshake on a stream of HTTP/2 (RFC 8441 §5): the request is there already, so that nothing is read; it is
// decided as any other, and answered by the fields of a 200 or of a refusal.

import { unlessAborted, whenAborted } from "../base/abort.ts";
import { Deadline } from "../base/timers.ts";
import type { ConnectionOwner } from "../connection/connection_owner.ts";
import { HandshakeError, type RequestHead } from "../errors/handshake_error.ts";
import { ExchangeError, type Problem } from "../errors/problem.ts";
import { type Acceptance, decide, type Decision } from "../handshake/decide.ts";
import { refuse } from "../handshake/refusal.ts";
import { headOf } from "../http/request_head.ts";
import { discardBody } from "../http/response.ts";
import { type RequestStream, RESPOND } from "../runtime/request_stream.ts";
import { TRANSPORT, type Transport, type TransportHandlers } from "../transport/transport.ts";
import type { CheckedAcceptOptions } from "./accept_options.ts";
import { type Accepted, AcceptedConnection, ForgetfulConnection } from "./accepted.ts";
import { serverError } from "./respond.ts";
import { respondOnStream } from "./stream_response.ts";

/** What an accepted stream is made of. */
export interface AcceptedStream {
  readonly transport: Transport;
  readonly request: RequestHead;
  /** What is agreed on, with the head of the 200. */
  readonly acceptance: Acceptance;
  /** What the client has sent while it was decided. */
  readonly rest: Uint8Array;
}

/** Gives what speaks against a request on this server, before anything else is judged. */
export type Admit = (request: RequestHead) => Problem | undefined;

/**
 * Answers the request of a stream.
 *
 * @throws {HandshakeError} Rejects when the request is refused, once the refusal is sent, or when the stream is lost.
 * @throws {unknown} Rejects with the reason of the signal, or with what the caller's own functions throw.
 */
export async function acceptStream(
  stream: RequestStream,
  options: CheckedAcceptOptions,
  admit?: Admit,
): Promise<AcceptedStream> {
  const unused = (["prefix", "request"] as const).find((name) => options[name] !== undefined);
  if (unused) throw new TypeError(`Cannot use the option ${unused}: a stream of HTTP/2 has its request with it`);
  const { request } = stream, transport = stream[TRANSPORT]();
  const waiting = new Waiting(transport, options);
  let decision: Decision | { readonly response: Response; readonly error: unknown; readonly agreement?: never };
  try {
    decision = await decideOnStream(request, options, waiting, admit);
  } catch (error) {
    const cause = waiting.isLost
      ? new HandshakeError("connection-closed", message(error), { cause: error, request })
      : error;
    if (waiting.isLost || options.signal?.aborted) {
      transport.abort();
      throw cause;
    }
    decision = { response: serverError(), error };
  } finally {
    waiting.dispose();
  }
  if (decision.agreement) {
    const { status, fields } = decision.head;
    if (stream[RESPOND](status, fields)) return { transport, request, acceptance: decision, rest: waiting.rest };
    throw new HandshakeError("connection-closed", message("the stream was reset"), { request });
  }
  const { connection: { clock, closeTimeout: timeout }, signal } = options;
  await respondOnStream(stream, transport, decision.response, { clock, timeout, signal });
  throw decision.error;
}

/** The WebSocket on a stream whose request was accepted. */
export function openStream(
  { transport, request, acceptance, rest }: AcceptedStream,
  { connection, keepRequest }: CheckedAcceptOptions,
  owner?: ConnectionOwner,
): Accepted {
  const Socket = keepRequest ? AcceptedConnection : ForgetfulConnection;
  return new Socket(transport, acceptance, connection, rest, request, owner);
}

function message(why: unknown): string {
  return `Cannot accept the upgrade: ${why instanceof Error ? why.message : why}`;
}

/** Decides, unless the client leaves or the time is over first. */
async function decideOnStream(
  request: RequestHead,
  options: CheckedAcceptOptions,
  waiting: Waiting,
  admit: Admit | undefined,
): Promise<Decision> {
  const problem = findTooLarge(request, options.maxHeadSize) ?? admit?.(request);
  if (problem) return refuse(problem, options.headers, request);
  // Only a policy can take long to decide
  if (!options.authorize) return await decide(request, options);
  const { signal, transport } = waiting;
  try {
    return await unlessAborted(decide(request, { ...options, signal, transport }), waiting.end, (late) => {
      if (late.error) discardBody(late.response);
    });
  } catch (error) {
    if (!(error instanceof ExchangeError) || error.failure !== "handshake-timeout") throw error;
    return refuse({ failure: error.failure, detail: error.message }, options.headers, request);
  }
}

/** As much as `maxHeadSize` says, though the HTTP/2 layer may have let more in. */
function findTooLarge(request: RequestHead, maxHeadSize: number): Problem | undefined {
  const head = headOf(request);
  if (!head || head.headers.length + head.target.length + head.authority.length <= maxHeadSize) return undefined;
  return { failure: "head-too-large", detail: `the head has more than ${maxHeadSize} bytes` };
}

/** How many bytes are kept of what a client sends before it has the answer. */
const MOST_AHEAD = 16 * 1024;

/** How long, in milliseconds, is still waited for a decision about a client that has ended. */
const DEPARTURE_GRACE = 1000;

/** A client that waits for a decision: whether it is still there, and for how long it may. */
class Waiting implements TransportHandlers {
  readonly transport: Transport;
  readonly #deadline: Deadline;
  readonly #ignoreSignal: () => void;
  readonly #clock: CheckedAcceptOptions["connection"]["clock"];
  /** Aborts when the result no longer matters. */
  readonly #over = new AbortController();
  /** Aborts when nothing is waited for any more: some time after a client has ended that may still read. */
  readonly #end = new AbortController();
  #departure: Deadline | undefined;
  rest: Uint8Array = new Uint8Array();
  isLost = false;

  constructor(transport: Transport, { connection: { clock }, handshakeTimeout, signal }: CheckedAcceptOptions) {
    this.transport = transport;
    this.#clock = clock;
    this.#deadline = new Deadline(clock);
    this.#deadline.set(handshakeTimeout, () => {
      this.#stop(new ExchangeError("handshake-timeout", `it took longer than ${handshakeTimeout} ms`));
    });
    transport.start(this);
    transport.resume();
    this.#ignoreSignal = whenAborted(signal, (reason) => this.#stop(reason));
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  get end(): AbortSignal {
    return this.#end.signal;
  }

  #stop(reason: unknown): void {
    this.#over.abort(reason);
    this.#end.abort(reason);
  }

  onData(chunk: Uint8Array<ArrayBuffer>): void {
    const rest = new Uint8Array(this.rest.length + chunk.length);
    rest.set(this.rest);
    rest.set(chunk, this.rest.length);
    this.rest = rest;
    if (rest.length >= MOST_AHEAD) this.transport.pause();
  }

  onEnd(): void {
    const reason = new ExchangeError("connection-closed", "the client has ended the stream");
    this.#over.abort(reason);
    this.#departure = new Deadline(this.#clock);
    this.#departure.set(DEPARTURE_GRACE, () => {
      this.isLost = true;
      this.#end.abort(reason);
    });
  }

  onDrained(): void {}

  onLost(cause: unknown): void {
    this.isLost = true;
    this.#stop(new ExchangeError("connection-closed", "the stream was lost", { cause }));
  }

  dispose(): void {
    this.#deadline.clear();
    this.#departure?.clear();
    this.#ignoreSignal();
    this.transport.pause();
  }
}
