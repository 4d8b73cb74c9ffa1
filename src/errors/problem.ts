import { type HandshakeFailure } from "./failures.ts";

/** A failure of the peer's that is not yet an error: what, and the very thing that is wrong. */
export interface Problem {
  readonly failure: HandshakeFailure;
  /** What is wrong, as the end of a sentence: `Sec-WebSocket-Version is "8"`. */
  readonly detail: string;
  /** The status, where it is not the table's. */
  readonly status?: number;
}

/** A value of the peer's for a message: quoted, escaped, and not longer than a line. */
export function quote(value: string): string {
  return JSON.stringify(value.length > 80 ? value.slice(0, 80) + "…" : value)
    .replace(/[\u007f-\u009f\u2028\u2029]/g, (char) => "\\u" + char.charCodeAt(0).toString(16).padStart(4, "0"));
}

/** Why nothing more can be read or written: the peer, the network or the deadline. */
export class ExchangeError extends Error {
  readonly failure: HandshakeFailure;
  /** What a proxy has answered. */
  readonly response: Response | undefined;

  constructor(
    failure: HandshakeFailure,
    message: string,
    options: ErrorOptions & { response?: Response | undefined } = {},
  ) {
    super(message, options);
    this.failure = failure;
    this.response = options.response;
  }
}
