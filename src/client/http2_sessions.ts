// The HTTP/2 sessions of this process: WebSockets to one origin share one, which is made for the first of them and closed
// behind the last. A session that the server lets go of, or that is full, gets no new streams; those that it has go on.

import { unlessAborted } from "../base/abort.ts";
import { systemClock } from "../base/clock.ts";
import { ExchangeError } from "../errors/problem.ts";
import {
  Http1Instead,
  type Http2Answer,
  type Http2Session,
  http2Unsupported,
  StreamRefused,
} from "../runtime/http2_client.ts";
import { http2Dialler } from "../runtime/sockets.ts";
import { transportOf } from "../runtime/choose.ts";
import { addressOf } from "./dial.ts";
import type { CheckedDialOptions } from "./dial_options.ts";
import { requestTunnel } from "./proxy.ts";

/** How often a request is sent again that a server has not looked at. */
const MOST_TRIES = 3;

/** The sessions that may take new streams, by what they were dialled with. */
const sessions = new Map<string, Set<SharedSession>>();

/** Servers that take no WebSockets over HTTP/2, and until when that is believed, on the system's clock. */
const without = new Map<string, { readonly why: Unsupported; readonly until: number }>();

/** How long, in milliseconds, and of how many servers at most. */
const BELIEVED_FOR = 600_000, MOST_WITHOUT = 1000;

/** Why there is no WebSocket over HTTP/2 with a server. */
type Unsupported = "no HTTP/2" | "no extended CONNECT";

/**
 * Sends an extended CONNECT to the host of a URL.
 *
 * @param url With the scheme http or https.
 * @returns The response. Rejects with the signal's reason, or with an `ExchangeError`; that is an {@linkcode Http1Instead}
 * when the server takes no WebSockets over HTTP/2, or none now.
 */
export async function requestStream(
  url: URL,
  fields: Readonly<Record<string, string>>,
  options: CheckedDialOptions,
  signal: AbortSignal,
): Promise<Http2Answer> {
  const key = keyOf(url, options), known = without.get(key);
  if (options.http2 === "auto" && known && systemClock.now() < known.until) throw http2Unsupported(known.why);
  for (let tries = 1;;) {
    const shared = sharedFor(key, url, options);
    try {
      const session = await shared.claim(signal);
      if (typeof session === "string") {
        remember(key, session);
        throw http2Unsupported(session);
      }
      if (session) return await session.request(fields, signal, () => shared.release());
    } catch (error) {
      if (!(error instanceof StreamRefused) || tries++ === MOST_TRIES) throw error;
    }
  }
}

function remember(key: string, why: Unsupported): void {
  without.delete(key);
  if (without.size >= MOST_WITHOUT) without.delete(without.keys().next().value!); // the oldest
  without.set(key, { why, until: systemClock.now() + BELIEVED_FOR });
}

/** Connections that are the same for a server, and may be shared. */
function keyOf({ origin }: URL, { unix, proxy, caCerts, client }: CheckedDialOptions): string {
  return JSON.stringify([origin, unix, proxy, caCerts, client]);
}

function sharedFor(key: string, url: URL, options: CheckedDialOptions): SharedSession {
  let among = sessions.get(key);
  if (!among) sessions.set(key, among = new Set());
  for (const shared of among) {
    if (shared.hasRoom) return shared;
    if (shared.isOver) among.delete(shared);
  }
  const shared: SharedSession = new SharedSession(url, options, () => {
    among.delete(shared);
    if (among.size === 0 && sessions.get(key) === among) sessions.delete(key);
  });
  among.add(shared);
  return shared;
}

/** One session, from before it is made until its last stream is closed. */
class SharedSession {
  readonly #opening: Promise<Http2Session | undefined>;
  /** Aborts when nobody waits for it any more. */
  readonly #unwanted = new AbortController();
  readonly #onOver: () => void;
  #session: Http2Session | undefined;
  /** Those who wait for it, and its streams. */
  #claims = 0;
  isOver = false;

  constructor(url: URL, options: CheckedDialOptions, onOver: () => void) {
    this.#onOver = onOver;
    this.#opening = open(url, options, this.#unwanted.signal).then(
      (session) => {
        if (this.isOver) session?.close(); // nobody waits any more
        return this.#session = session;
      },
      (error) => {
        this.#end();
        throw error;
      },
    );
    this.#opening.catch(() => {}); // who has claimed it sees the error
  }

  /** Whether a stream more may be opened, as far as is known. */
  get hasRoom(): boolean {
    if (this.isOver) return false;
    return this.#session === undefined || this.#session.isOpen && this.#claims < this.#session.maxStreams;
  }

  /**
   * Waits for the session, for one stream.
   *
   * @returns `undefined` when others have filled it. What is returned as a session is to be given back by `release()`, and
   * refuses the request if the server has let it go since.
   */
  async claim(signal: AbortSignal): Promise<Http2Session | Unsupported | undefined> {
    const place = ++this.#claims;
    let session: Http2Session | undefined;
    try {
      session = await unlessAborted(this.#opening, signal);
    } catch (error) {
      this.release();
      throw error;
    }
    if (session?.takesConnect && session.maxStreams > 0) {
      if (!session.isOpen || Math.min(place, this.#claims) <= session.maxStreams) return session;
      this.release();
      return undefined;
    }
    this.release();
    if (!session) return "no HTTP/2";
    if (!session.takesConnect) return "no extended CONNECT";
    // RFC 9113 §5.1.2: for a short time only, so that it is not remembered
    throw new Http1Instead("connection-closed", "the server lets no stream be open (SETTINGS_MAX_CONCURRENT_STREAMS)");
  }

  /** One stream is closed, or is not opened. The last one closes the session. */
  release(): void {
    if (--this.#claims > 0) return;
    this.#end();
    this.#unwanted.abort(new ExchangeError("connection-closed", "nobody waits for the session any more"));
    this.#session?.close();
  }

  #end(): void {
    this.isOver = true;
    this.#onOver();
  }
}

/** Dials, through a proxy where one is asked for, and begins a session. */
async function open(url: URL, options: CheckedDialOptions, signal: AbortSignal): Promise<Http2Session | undefined> {
  const { unix, proxy } = options, { hostname, port, tls } = addressOf(url, options);
  const dialler = await http2Dialler();
  const conn = await dialler.connect(proxy ?? (unix === undefined ? { hostname, port } : { unix }), signal);
  const prefix = proxy && await requestTunnel(transportOf(conn), proxy, `${url.hostname}:${port}`, signal);
  if (tls && prefix && prefix.length > 0) {
    transportOf(conn).abort();
    throw new ExchangeError("proxy-refused", "the proxy sent data before the TLS handshake");
  }
  return await dialler.start(conn, { url, tls, prefix }, signal);
}
