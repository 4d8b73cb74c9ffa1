// Sends the messages of a group to its members. What all of them have to write is kept once, as long as that is possible.

import type { Driver } from "../connection/driver.ts";
import type { Prepared } from "../protocol/prepared_message.ts";
import { Burst } from "../protocol/shared_frame.ts";
import type { BroadcastReport, CheckedBroadcast } from "./broadcast.ts";

/** A member, as far as it gets messages. */
interface Recipient<Value, Socket> {
  readonly driver: Driver;
  readonly socket: Socket;
  readonly value: Value;
}

/** Sends messages to the members of a group. */
export class Broadcaster<Value, Socket> {
  readonly #members: ReadonlySet<Recipient<Value, Socket>>;
  /**
   * What every member has to write, and nothing else: the messages of this turn. It is let go of when the first member has
   * written it: a group may be silent for long then, and be one of very many.
   */
  #burst: Burst | undefined;
  /** From how many bytes of it on a member is slow, and how many may wait: the least of what the members allow. */
  #highWaterMark = 0;
  #maxBufferedAmount = 0;

  constructor(members: ReadonlySet<Recipient<Value, Socket>>) {
    this.#members = members;
  }

  /** Somebody has joined or left the group. */
  onMembersChanged(): void {
    this.#burst = undefined;
  }

  readonly #onBroken = (burst: Burst): void => {
    if (this.#burst === burst) this.#burst = undefined;
  };

  /** Sends a message to all but some. */
  broadcast(message: Prepared, checked: CheckedBroadcast<Value, Socket>): BroadcastReport {
    const sent = this.#members.size;
    if (checked.isExcepted || sent === 0) return this.#offer(message, checked);
    if (this.#add(message, checked.slowAbove)) return { sent, skipped: 0, closed: 0 };
    if (!Burst.hasRoom(message.plain.bytes.length)) return this.#offer(message, checked);
    return this.#begin(new Burst(message.plain, this.#onBroken), message, checked);
  }

  /** Adds a message to the burst, for all members at once, unless one of them has something else to write. */
  #add(message: Prepared, slowAbove = this.#highWaterMark): boolean {
    const burst = this.#burst;
    if (!burst) return false;
    const { length } = burst.bytes;
    return length <= slowAbove && length + message.size <= this.#maxBufferedAmount && burst.add(message.plain);
  }

  /** Sends the first message of a burst. */
  #begin(burst: Burst, message: Prepared, checked: CheckedBroadcast<Value, Socket>): BroadcastReport {
    this.#burst = undefined;
    this.#highWaterMark = this.#maxBufferedAmount = Infinity;
    const report = this.#offer(message, checked, burst);
    if (burst.holders === this.#members.size) this.#burst = burst;
    return report;
  }

  #offer(
    message: Prepared,
    { isExcepted, policy, slowAbove }: CheckedBroadcast<Value, Socket>,
    burst?: Burst,
  ): BroadcastReport {
    const report = { sent: 0, skipped: 0, closed: 0 };
    for (const { driver, socket, value } of this.#members) {
      if (isExcepted?.(value, socket)) continue;
      if (!driver.isOpen || !driver.isBetweenMessages) report.skipped++;
      else if (burst && driver.flusher.join(burst)) this.#onJoined(driver, report);
      else {
        const isOffered = driver.flusher.offer(message, slowAbove); // writes what waits, and may find that it is lost
        if (!driver.isOpen) report.closed++;
        else if (isOffered) report.sent++;
        else policy(driver, message, slowAbove, report);
      }
    }
    return report;
  }

  #onJoined({ options }: Driver, report: BroadcastReport): void {
    report.sent++;
    if (options.highWaterMark < this.#highWaterMark) this.#highWaterMark = options.highWaterMark;
    if (options.maxBufferedAmount < this.#maxBufferedAmount) this.#maxBufferedAmount = options.maxBufferedAmount;
  }
}
