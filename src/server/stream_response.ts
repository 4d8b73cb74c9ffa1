// Sends a response on a stream of HTTP/2: its fields, then its body as fast as the client takes it, then the end.

import type { Clock } from "../base/clock.ts";
import { whenAborted } from "../base/abort.ts";
import { Deadline } from "../base/timers.ts";
import { withoutConnectionFields } from "../http/http2_head.ts";
import { discardBody, hasNoBody } from "../http/response.ts";
import { CUT, type RequestStream, RESPOND } from "../runtime/request_stream.ts";
import { linger } from "../transport/linger.ts";
import type { Transport, TransportHandlers } from "../transport/transport.ts";
import type { RequestBody } from "./request_body.ts";

/** How a response is sent. */
export interface StreamResponseOptions {
  readonly clock: Clock;
  /** How long sending may take, and then how long the client may take to end its side, each in milliseconds. */
  readonly timeout: number;
  /** Limits each write to the time, in place of all together: a body may come slowly, and be large. */
  readonly isPaced?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** The body of the request, which may still be read while the response is sent: it is told of what comes. */
  readonly requestBody?: RequestBody;
}

/**
 * Sends a response on a stream that nobody else uses. If the client is gone, that is no error: nobody needs the response.
 *
 * @throws {unknown} Rejects when the signal aborts, or when the body of the response fails; then the stream is reset.
 */
export async function respondOnStream(
  stream: RequestStream,
  transport: Transport,
  response: Response,
  options: StreamResponseOptions,
): Promise<void> {
  const { clock, timeout, signal } = options, { headers } = response;
  const fields = withoutConnectionFields([...headers]);
  const sending = new Sending(stream, transport, options);
  try {
    // RFC 9110 §9.3.2: there is no body behind the answer to a HEAD
    if (!stream[RESPOND](response.status, fields) || hasNoBody(response.status, stream.request)) discardBody(response);
    else await sending.write(response.body, headers.get("content-length"));
  } catch (error) {
    stream[CUT]();
    transport.abort();
    discardBody(response);
    throw error;
  } finally {
    sending.dispose();
    options.requestBody?.stop();
  }
  if (!sending.isLost) await linger(transport, { clock, timeout, signal }).closed;
}

/** Writes a body on a transport; a write that takes too long, or a signal, ends it. */
class Sending implements TransportHandlers {
  readonly #stream: RequestStream;
  readonly #transport: Transport;
  readonly #deadline: Deadline;
  readonly #options: StreamResponseOptions;
  readonly #ignoreSignal: () => void;
  #reader: ReadableStreamDefaultReader<unknown> | undefined;
  #room: PromiseWithResolvers<void> | undefined;
  isLost = false;
  #aborted: { readonly reason: unknown } | undefined;

  constructor(stream: RequestStream, transport: Transport, options: StreamResponseOptions) {
    this.#stream = stream;
    this.#transport = transport;
    this.#options = options;
    this.#deadline = new Deadline(options.clock);
    transport.start(this);
    options.requestBody?.goOn();
    if (!options.isPaced) this.#allow();
    this.#ignoreSignal = whenAborted(options.signal, (reason) => {
      this.#aborted = { reason };
      this.#stop();
    });
  }

  /**
   * Writes all of it, unless the client is lost. Rejects with what the body, or the signal, fails with.
   *
   * @param length Its Content-Length, which it must have (RFC 9113 §8.1.1).
   */
  async write(body: ReadableStream<unknown> | null, length: string | null): Promise<void> {
    const reader = this.#reader = body?.getReader(), pieces = new Pieces(length);
    try {
      for (;;) {
        const { value, done } = reader ? await reader.read() : { value: undefined, done: true };
        if (this.isLost) break;
        if (done) {
          pieces.end();
          break;
        }
        const piece = pieces.check(value);
        if (this.#options.isPaced) this.#allow();
        if (!this.#transport.write(new Uint8Array(piece))) {
          this.#room = Promise.withResolvers();
          await this.#room.promise;
        }
        if (this.#options.isPaced) this.#deadline.clear();
        if (this.isLost) break;
      }
    } catch (error) {
      if (!this.isLost) { // it may be the request's body, which fails with the client
        reader?.cancel(error).catch(() => {});
        throw error;
      }
    }
    if (this.#aborted) throw this.#aborted.reason;
  }

  #allow(): void {
    this.#deadline.set(this.#options.timeout, () => this.onLost(new Error("The client does not take the response")));
  }

  /** The client does not take it, or is gone: the source of the body is let go. */
  #stop(): void {
    if (this.isLost) return;
    this.isLost = true;
    this.#stream[CUT]();
    this.#transport.abort();
    this.#room?.resolve();
    this.#reader?.cancel().catch(() => {}); // an error of its source no longer matters
  }

  onData(chunk: Uint8Array<ArrayBuffer>): void {
    this.#options.requestBody?.onData(chunk);
  }

  onEnd(): void {
    this.#options.requestBody?.onEnd();
  }

  onDrained(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  onLost(error: unknown): void {
    this.#options.requestBody?.onLost(error);
    this.#stop();
  }

  dispose(): void {
    this.#deadline.clear();
    this.#ignoreSignal();
  }
}

/** What a response's body may consist of, as over HTTP/1.1. */
class Pieces {
  readonly #length: string | null;
  #left: number;

  constructor(length: string | null) {
    this.#length = length;
    this.#left = Number(length);
  }

  /** Checks a chunk. */
  check(chunk: unknown): Uint8Array {
    if (!(chunk instanceof Uint8Array)) {
      throw new TypeError("Cannot send the response: a chunk of its body is no Uint8Array");
    }
    this.#left -= chunk.length;
    if (this.#length !== null && this.#left < 0) {
      throw new TypeError(`Cannot send the response: the body is longer than ${this.#length} bytes`);
    }
    return chunk;
  }

  /** Checks that there was enough. */
  end(): void {
    if (this.#length !== null && this.#left > 0) {
      throw new TypeError(`Cannot send the response: the body is shorter than ${this.#length} bytes`);
    }
  }
}
