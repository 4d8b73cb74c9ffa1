// What is wrong with a handshake, inside the library: parsers and checks return a Problem, reading and writing throw an
// ExchangeError. The public functions turn either into a HandshakeError.

import type { HandshakeFailure } from "./failures.ts";

/** A handshake failure as a return value. */
export interface Problem {
  readonly failure: HandshakeFailure;
  /** What exactly is wrong, to follow «Cannot …: » in the message: `Sec-WebSocket-Version is "8"`. */
  readonly detail: string;
  /** The status of the refusal, where it is not the table's. */
  readonly status?: number;
  /** When the client may come again, in milliseconds from now on (RFC 9110 §10.2.3). */
  readonly retryAfter?: number;
}

/** A head that does not match the grammar of HTTP. The detail names the section, which is finer than the table's. */
export function malformed(section: string, detail: string): Problem {
  return { failure: "head-malformed", detail: `${detail} (${section})` };
}

/** A head that HTTP/2 does not allow. The detail names the section, which is finer than the table's. */
export function malformedHttp2(section: string, detail: string): Problem {
  return { failure: "http2-malformed", detail: `${detail} (${section})` };
}

/** A field that is missing or wrong; `value` is what came, or `null`. */
export function badField(failure: HandshakeFailure, name: string, value: string | null): Problem {
  return { failure, detail: value === null ? `there is no ${name}` : `${name} is ${quote(value)}` };
}

/** A string from the peer for an error message: quoted, escaped, and cut to 80 characters. */
export function quote(value: string): string {
  return JSON.stringify(value.length > 80 ? value.slice(0, 80) + "…" : value)
    .replace(/[\u007f-\u009f\u2028\u2029]/g, (char) => "\\u" + char.charCodeAt(0).toString(16).padStart(4, "0"));
}

/** Reading or writing the handshake failed: the peer ended the connection, it broke, or the deadline passed. */
export class ExchangeError extends Error {
  readonly failure: HandshakeFailure;
  /** The response of a proxy that refused to open a tunnel. Private, so that an error that is printed does not show it. */
  readonly #response: Response | undefined;
  /** Whether another attempt may succeed, where the failure alone does not say so. */
  readonly retryable: boolean | undefined;

  constructor(
    failure: HandshakeFailure,
    message: string,
    options: ErrorOptions & { response?: Response | undefined; retryable?: boolean } = {},
  ) {
    super(message, options);
    this.failure = failure;
    this.#response = options.response;
    this.retryable = options.retryable;
  }

  get response(): Response | undefined {
    return this.#response;
  }
}

/** The peer has ended when a part of a head had come. */
export function endedInHead(): ExchangeError {
  return new ExchangeError("connection-closed", "the connection ended inside the head");
}

/** The peer has ended when nothing of a head had come. */
export function endedBefore(what: string): ExchangeError {
  return new ExchangeError("connection-closed", `the connection ended before ${what}`);
}
