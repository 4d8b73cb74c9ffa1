// The end of a group: a Close frame for each member, in the order in which they joined and evenly over a time, and the
// connections of those that do not answer are dropped.

import type { Clock } from "../base/clock.ts";
import { checkTime, DEFAULTS, MAX_DELAY } from "../base/options.ts";
import { Deadline } from "../base/timers.ts";
import type { Driver } from "../connection/driver.ts";
import { checkClose } from "../errors/websocket_error.ts";
import type { CloseInfo, WebSocketError } from "../errors/websocket_error.ts";

/**
 * How to close all members of a group.
 *
 * @example Clients that come back do not all come at once
 * ```ts
 * import { type CloseAllOptions, connect, Connections, serve } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const group = new Connections();
 * await using server = await serve({ port: 0 }, (socket) => void group.add(socket));
 * const clients = await Promise.all([connect(server.url!), connect(server.url!)]);
 * await Promise.all(clients.map((client) => client.ping())); // both have joined
 *
 * const slowly: CloseAllOptions = { reason: "A new version comes", spread: 20 };
 * const report = await group.close(slowly);
 * assertEquals(report, { closed: 2, dropped: 0 });
 * assertEquals((await clients[0].closed).closeCode, 1001);
 * ```
 */
export interface CloseAllOptions {
  /**
   * The code of the Close frames: 1001 says that the server goes away, 1012 that it restarts (RFC 6455 §7.4.1).
   *
   * @default {1001}
   */
  closeCode?: number | undefined;
  /** The reason in the Close frames: at most 123 bytes of UTF-8. */
  reason?: string | undefined;
  /**
   * After so many milliseconds from the call the connections that are left are dropped. 0 means no limit but the
   * `closeTimeout` of each connection. Without it, it is `spread` and ten seconds.
   *
   * @default {10000}
   */
  within?: number | undefined;
  /**
   * Spreads the Close frames evenly over so many milliseconds, in the order in which the members have joined, so that
   * clients that connect anew do not all do so at once. It must not be longer than `within`.
   *
   * @default {0}
   */
  spread?: number | undefined;
}

/**
 * How the members of a group have ended.
 *
 * @example Usage
 * ```ts
 * import { type CloseAllReport, Connections } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const report: CloseAllReport = await new Connections().close();
 *
 * assertEquals(report, { closed: 0, dropped: 0 });
 * ```
 */
export interface CloseAllReport {
  /** How many have ended with a closing handshake. */
  closed: number;
  /** How many have not: they were dropped when `within` was over, or the connection was lost. */
  dropped: number;
}

/** {@linkcode CloseAllOptions}, checked and with their defaults. */
export interface CheckedCloseAll {
  readonly closeCode: number;
  readonly reason: string;
  readonly within: number;
  readonly spread: number;
}

/**
 * Checks the options.
 *
 * @throws {RangeError} When a time is out of its range, or `spread` longer than `within`.
 * @throws {DOMException} `InvalidAccessError` for the code, `SyntaxError` for the reason.
 */
export function checkCloseAll(options: CloseAllOptions): CheckedCloseAll {
  const { closeCode = 1001, reason } = options;
  const spread = checkTime("spread", options.spread, 0);
  const within = checkTime("within", options.within, Math.min(spread + DEFAULTS.closeTimeout, MAX_DELAY));
  if (within !== 0 && spread > within) {
    throw new RangeError(
      `Cannot use the option spread: it is ${spread}, and must be at most within, which is ${within} milliseconds`,
    );
  }
  checkClose(options); // as it was given, for a code that has another name
  return { closeCode, reason: checkClose({ closeCode, reason }).reason, within, spread };
}

/** A member, as far as its end is concerned. */
export interface Closable {
  readonly driver: Driver;
  readonly isMember: boolean;
}

/** Closes the members of a group, and whoever joins from then on. Once nobody is left the report stays as it is. */
export class ClosingAll {
  readonly #members: ReadonlySet<Closable>;
  readonly #report: CloseAllReport = { closed: 0, dropped: 0 };
  readonly #finished = Promise.withResolvers<CloseAllReport>();
  readonly #clock: Clock;
  /** For the next Close frames, and for the end. */
  readonly #next: Deadline;
  readonly #end: Deadline;
  #options: CheckedCloseAll | undefined;
  /** Whether nobody was left: who joins later is closed, and not waited for. */
  isFinished = false;

  constructor(members: ReadonlySet<Closable>, clock: Clock) {
    this.#members = members;
    this.#clock = clock;
    this.#next = new Deadline(clock);
    this.#end = new Deadline(clock);
  }

  /** Begins, or goes on with other options with those that are not closed yet. Resolves when nobody is left. */
  run(options: CheckedCloseAll): Promise<CloseAllReport> {
    const { within, spread } = this.#options = options;
    this.#end.set(within, () => this.#drop(`The group was closed, and waits no longer than ${within} ms`));
    const waiting = [...this.#members].filter(({ driver }) => driver.isOpen);
    this.#closeNext(waiting, 0, this.#clock.now(), spread / waiting.length);
    this.#checkFinished();
    return this.#finished.promise;
  }

  /** Closes those that are due, the first of them at once, and sets the timer for the next one. */
  #closeNext(waiting: readonly Closable[], at: number, start: number, pace: number): void {
    this.#next.clear();
    const elapsed = this.#clock.now() - start;
    while (at < waiting.length && at * pace <= elapsed) this.#close(waiting[at++]!);
    if (at < waiting.length) this.#next.set(at * pace - elapsed, () => this.#closeNext(waiting, at, start, pace));
  }

  #close({ driver, isMember }: Closable): void {
    const { closeCode, reason } = this.#options!;
    if (isMember) driver.close({ closeCode, reason });
  }

  #drop(message: string): void {
    this.#next.clear();
    for (const { driver } of this.#members) driver.abort(new Error(message));
  }

  /** A member has joined: there is nothing to wait for. */
  onJoined(member: Closable): void {
    this.#close(member);
  }

  /** A member is closed. */
  onClosed(outcome: CloseInfo | WebSocketError): void {
    if (outcome instanceof Error) this.#report.dropped++;
    else this.#report.closed++;
    this.#checkFinished();
  }

  /** Whether nobody is left; a member may also have been deleted. */
  #checkFinished(): void {
    if (this.#members.size > 0) return;
    this.#next.clear();
    this.#end.clear();
    this.isFinished = true;
    this.#finished.resolve({ ...this.#report });
  }

  /** A member has left the group, and is not its matter any more. */
  onDeleted(): void {
    this.#checkFinished();
  }
}
