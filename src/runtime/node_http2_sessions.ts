// The server's sessions of HTTP/2, with node:http2, which Deno and Bun have as well: what a session may cost is bounded
// here, where its layer does not do so on every runtime (RFC 9113 §10.5).

import { performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { nextTurn, systemClock } from "../base/clock.ts";
import { Deadline } from "../base/timers.ts";
import { LINGER_TIME } from "../transport/linger.ts";
import type { ListenHandlers } from "./listener.ts";
import { NodeHttp2RequestStream } from "./node_http2_stream.ts";

/** How many streams a client may have open at once in a session: browsers have fewer WebSockets than that. */
const MAX_STREAMS = 256;

/** How many PINGs, SETTINGS and streams reset by the client a session may have at once, and how many more in a second. */
const BURST = 1000, PER_SECOND = 33;

const ENHANCE_YOUR_CALM = 11;

/** Events that cost a client next to nothing, and us something (RFC 9113 §10.5). */
class Allowance {
  #left = BURST;
  #at = systemClock.now();

  /** Whether one more is allowed. */
  take(): boolean {
    const now = systemClock.now();
    this.#left = Math.min(BURST, this.#left + (now - this.#at) * PER_SECOND / 1000);
    this.#at = now;
    return --this.#left >= 0;
  }
}

/** All sessions of a listener. */
export class Http2Sessions {
  readonly #handlers: ListenHandlers;
  readonly #idleTimeout: number;
  readonly #unix: string | undefined;
  readonly #all = new Set<ServerHttp2Session>();
  #isStopped = false;

  /**
   * @param idleTimeout How long a session may be without a stream, in milliseconds; 0 means no limit.
   * @param unix The path of the Unix socket, if it listens on one.
   */
  constructor(handlers: ListenHandlers, idleTimeout: number, unix: string | undefined) {
    this.#handlers = handlers;
    this.#idleTimeout = idleTimeout;
    this.#unix = unix;
  }

  /** Speaks HTTP/2 on a socket. */
  add(socket: Duplex): void {
    socket.allowHalfOpen = false; // a client that has ended can't be served: its streams are lost
    // RFC 8441 §3: it stays 1 as long as the session lives
    const settings = { enableConnectProtocol: true, maxConcurrentStreams: MAX_STREAMS };
    const session = performServerHandshake(socket, { settings }) as ServerHttp2Session;
    this.#all.add(session);
    const idle = new Deadline(systemClock);
    const wait = () =>
      idle.set(this.#idleTimeout, () => {
        session.close();
        idle.set(LINGER_TIME, () => session.destroy()); // a head that does not end may keep it open
      });
    const allowance = new Allowance();
    const count = () => {
      if (allowance.take()) return;
      // Not in an event: Deno's HTTP/2 layer is still in the middle of what it has read
      nextTurn(() => session.destroy(undefined, ENHANCE_YOUR_CALM));
    };
    let streams = 0;
    session.on("error", () => {}); // its streams are lost then, and tell so
    session.on("ping", count);
    session.on("remoteSettings", count);
    session.once("close", () => {
      idle.clear();
      this.#all.delete(session);
    });
    session.on("stream", (stream, _headers, _flags, rawHeaders) => {
      streams++;
      idle.clear();
      let isAborted = false;
      stream.once("aborted", () => isAborted = true);
      stream.once("close", () => {
        if (isAborted) count();
        if (--streams === 0 && !session.destroyed) wait();
      });
      this.#handlers.onStream!(pairsOf(rawHeaders), (request) => {
        return new NodeHttp2RequestStream(stream as ServerHttp2Stream, request, this.#unix);
      });
    });
    wait();
    if (this.#isStopped) session.close();
  }

  /** Takes no more streams, by GOAWAY; those that there are go on. */
  stop(): void {
    this.#isStopped = true;
    for (const session of this.#all) session.close();
  }

  /** Ends all of them at once. */
  close(): void {
    for (const session of this.#all) session.destroy();
  }
}

function* pairsOf(raw: readonly string[]): Generator<[string, string]> {
  for (let i = 0; i < raw.length; i += 2) yield [raw[i]!, raw[i + 1]!];
}
