// Whom a server takes: counts its connections, and says why one more is too many. Counting and judging are synchronous, so
// that a limit is never passed, however many handshakes are under way.

import type { Clock } from "../base/clock.ts";
import { networkOf } from "../base/network_address.ts";
import { DEFAULTS } from "../base/options.ts";
import type { RequestHead } from "../errors/handshake_error.ts";
import { handshakeFailures } from "../errors/failures.ts";
import { type Problem, quote } from "../errors/problem.ts";
import { retryAfterField } from "../handshake/refusal.ts";
import { STATUS_TEXT } from "../http/response.ts";
import { writeHead } from "../http/write_head.ts";
import type { Transport } from "../transport/transport.ts";
import type { CheckedLimits } from "./limit_options.ts";
import { RateCounter } from "./rate_limit.ts";

/** What one connection is counted as. */
export interface Place {
  /** What its address is counted by, while it is. */
  key: string | undefined;
  /** Whether it has the place of a WebSocket, and whether it is one that is waited for: until it has opened it is both. */
  isReserved: boolean;
  isPending: boolean;
}

/** The counters of a server. */
export class Limits {
  readonly #limits: CheckedLimits;
  readonly #countsByAddress: boolean;
  readonly #takesHttp: boolean;
  readonly #rate: RateCounter | undefined;
  readonly #counts = new Map<string, number>();
  #pending = 0;
  #sockets = 0;

  /** @param takesHttp Whether there may be requests for other things than WebSockets. */
  constructor(limits: CheckedLimits, clock: Clock, takesHttp: boolean) {
    this.#limits = limits;
    this.#takesHttp = takesHttp;
    const { maxConnectionsPerAddress, maxConnectionsPerMinute: limit } = limits;
    this.#countsByAddress = Math.min(maxConnectionsPerAddress, limit) !== Infinity;
    if (limit !== Infinity) {
      this.#rate = new RateCounter({ limit, window: 60_000, maxKeys: DEFAULTS.maxKeys, clock });
    }
  }

  /** Whether `limitBy` is shown requests. */
  get showsRequests(): boolean {
    return this.#limits.limitBy !== undefined;
  }

  /** Takes a connection that was accepted, or says why not. */
  enter(place: Place, transport: Transport): Problem | undefined {
    const { maxPendingHandshakes: most, limitBy } = this.#limits;
    if (this.#pending >= most) return this.#full(`${most} connections wait already (maxPendingHandshakes)`);
    const full = this.#takesHttp ? undefined : this.#whyFull();
    if (full) return full;
    const problem = this.#countsByAddress && !limitBy ? this.#count(place, addressOf(transport)) : undefined;
    if (problem) return problem;
    place.isPending = true;
    this.#pending++;
    return undefined;
  }

  /** Keeps the place of a WebSocket for a connection that asks for it, or says why not. */
  reserve(place: Place, request: RequestHead, transport: Transport): Problem | undefined {
    const full = this.#whyFull();
    if (full) return full;
    const key = this.#limits.limitBy?.(request, { remoteAddr: transport.remoteAddr });
    if (key !== undefined && typeof key !== "string") {
      throw new TypeError(`Cannot limit by ${quote(String(key))}: limitBy must return a string or undefined`);
    }
    const problem = this.#count(place, key);
    if (problem) return problem;
    place.isReserved = true;
    this.#sockets++;
    return undefined;
  }

  /** A connection does not become a WebSocket after all. */
  giveUp(place: Place): void {
    if (!place.isReserved) return;
    place.isReserved = false;
    this.#sockets--;
    if (this.#limits.limitBy) this.#uncount(place);
  }

  /** A connection is a WebSocket now. It may be closed already: then it was counted down. */
  onOpen(place: Place): void {
    if (place.isPending) this.#pending--;
    place.isPending = false;
  }

  /** A connection is closed. */
  leave(place: Place): void {
    if (place.isReserved) this.#sockets--;
    place.isReserved = false;
    this.onOpen(place);
    this.#uncount(place);
  }

  #whyFull(): Problem | undefined {
    const { maxConnections: most } = this.#limits;
    return this.#sockets < most ? undefined : this.#full(`${most} WebSockets are open (maxConnections)`);
  }

  #full(detail: string): Problem {
    return { failure: "too-many-connections", detail, retryAfter: this.#limits.retryAfter };
  }

  #count(place: Place, address: string | undefined): Problem | undefined {
    if (address === undefined) return undefined;
    const { maxConnectionsPerAddress: most, maxConnectionsPerMinute: limit, retryAfter } = this.#limits;
    const key = networkOf(address), count = this.#counts.get(key) ?? 0, failure = "too-many-requests";
    if (count >= most) {
      return {
        failure,
        detail: `${quote(key)} has ${most} connections already (maxConnectionsPerAddress)`,
        retryAfter,
      };
    }
    const wait = this.#rate?.take(key) ?? 0;
    if (wait > 0) {
      const detail = `${quote(key)} has opened ${limit} connections in a minute (maxConnectionsPerMinute)`;
      return { failure, detail, retryAfter: wait };
    }
    if (most === Infinity) return undefined;
    place.key = key;
    this.#counts.set(key, count + 1);
    return undefined;
  }

  #uncount(place: Place): void {
    const { key } = place;
    if (key === undefined) return;
    place.key = undefined;
    const count = this.#counts.get(key)! - 1;
    if (count > 0) this.#counts.set(key, count);
    else this.#counts.delete(key);
  }
}

function addressOf({ remoteAddr }: Transport): string | undefined {
  return remoteAddr?.transport === "tcp" ? remoteAddr.hostname : undefined;
}

/** The whole response to a client that is turned away before its request is read. */
export function turnAwayBytes({ failure, retryAfter = 0 }: Problem): Uint8Array<ArrayBuffer> {
  const { status, sentence } = handshakeFailures[failure], body = sentence + "\n";
  const head = writeHead(`HTTP/1.1 ${status} ${STATUS_TEXT[status]}`, [
    ["Content-Type", "text/plain; charset=utf-8"],
    retryAfterField(retryAfter),
    ["Date", new Date().toUTCString()],
    ["Connection", "close"],
    ["Content-Length", String(body.length)],
  ]);
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  new TextEncoder().encodeInto(body, bytes.subarray(head.length));
  return bytes;
}
