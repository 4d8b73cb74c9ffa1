// The relay of one process: each room is an array of its last messages. The room that was published to longest ago loses
// its messages when all together are too many bytes, so that rooms which clients name cannot fill the memory.

import { checkNumber, checkOptions } from "../base/options.ts";
import {
  closedError,
  isCut,
  type Relay,
  type RelayDraft,
  type RelayedMessage,
  type RelayListener,
  type RelayPage,
} from "./relay.ts";

/**
 * How much {@linkcode memoryRelay} keeps.
 *
 * @example No history: members get what is published while they are there
 * ```ts
 * import { memoryRelay, type MemoryRelayOptions } from "@handfast/websocket/rooms";
 * import { assertEquals } from "@std/assert";
 *
 * const options: MemoryRelayOptions = { messages: 0 };
 * const relay = memoryRelay(options);
 * await relay.publish("lobby", [{ id: "1", data: "Hello" }]);
 *
 * assertEquals((await relay.read("lobby", 0, 10)).messages, []);
 * ```
 */
export interface MemoryRelayOptions {
  /**
   * How many messages of a room are kept. Members who come back, and slow members, get what they missed from them; and as
   * long as a message is kept, publishing its id again is known for a second attempt.
   *
   * @default {1000}
   */
  messages?: number | undefined;
  /**
   * How many bytes of messages are kept for a room; a message counts by its bytes, or two for each character, and 200 more.
   * The newest message is kept whatever its size.
   *
   * @default {16777216}
   */
  bytes?: number | undefined;
  /**
   * How many bytes are kept for all rooms together. Past it, the room that was published to longest ago is forgotten: who
   * comes back to it is told of a gap.
   *
   * @default {67108864}
   */
  totalBytes?: number | undefined;
}

/** What an entry of a history takes beside its message, and a history beside its entries. */
const OVERHEAD = 200;

interface Kept {
  readonly message: RelayedMessage;
  readonly previous: number;
  readonly id: string;
  readonly bytes: number;
}

/** The history of a room: the array's entries from `first` on. What is before is cut off now and then. */
interface History {
  entries: Kept[];
  first: number;
  bytes: number;
  /** The number of the newest message. */
  last: number;
  /** The numbers of what is kept, by their ids. */
  readonly ids: Map<string, number>;
}

/**
 * A relay for one process, which keeps some messages of each room in memory.
 *
 * @param options How much it keeps.
 * @returns The relay, for one `Rooms`.
 * @throws {TypeError} When the options are no object.
 * @throws {RangeError} When a number is out of its range.
 *
 * @example Two hundred messages for who comes back
 * ```ts
 * import { memoryRelay, Rooms } from "@handfast/websocket/rooms";
 * import { assert } from "@std/assert";
 *
 * await using rooms = new Rooms({ relay: memoryRelay({ messages: 200 }) });
 *
 * assert(await rooms.publish("lobby", "Hello") > 0);
 * ```
 */
export function memoryRelay(options: MemoryRelayOptions = {}): Relay {
  checkOptions(options);
  const maxMessages = checkNumber("messages", options.messages, 1000);
  const maxBytes = checkNumber("bytes", options.bytes, 16 * 1024 * 1024);
  const maxTotal = checkNumber("totalBytes", options.totalBytes, 64 * 1024 * 1024);
  /** In the order in which they were last published to. */
  const histories = new Map<string, History>(), subscribed = new Set<string>();
  let listener: RelayListener | undefined, total = 0, isClosed = false;
  /** The largest number of a room that was forgotten. */
  let forgotten = 0;

  function historyOf(room: string): History {
    const known = histories.get(room);
    if (known) histories.delete(room);
    else total += OVERHEAD;
    const history = known ?? { entries: [], first: 0, bytes: 0, last: 0, ids: new Map() };
    histories.set(room, history);
    return history;
  }

  function store(room: string, history: History, { id, data }: RelayDraft): number {
    const known = history.ids.get(id);
    if (known !== undefined) return known;
    // Microseconds: they go on where they were when a process is started again, or a room forgotten, and never come twice
    const previous = history.last, number = Math.max(previous + 1, forgotten + 1, Date.now() * 1000);
    const message = { number, data };
    const bytes = OVERHEAD + (typeof data === "string" ? 2 * data.length : data.byteLength);
    history.entries.push({ message, previous, id, bytes });
    history.ids.set(id, number);
    history.last = number;
    history.bytes += bytes;
    total += bytes;
    while (sizeOf(history) > maxMessages || history.bytes > maxBytes && sizeOf(history) > 1) dropFirst(history);
    if (subscribed.has(room)) listener?.onMessage(room, message, previous);
    return number;
  }

  function dropFirst(history: History): void {
    const { bytes, id } = history.entries[history.first++]!;
    history.bytes -= bytes;
    total -= bytes;
    history.ids.delete(id);
    if (history.first * 2 < history.entries.length) return;
    history.entries = history.entries.slice(history.first);
    history.first = 0;
  }

  /** Forgets a room, but for the number of its newest message where somebody goes on from there. */
  function forget(room: string, history: History): void {
    while (sizeOf(history) > 0) dropFirst(history);
    if (subscribed.has(room) || !histories.delete(room)) return;
    forgotten = Math.max(forgotten, history.last);
    total -= OVERHEAD;
  }

  function publish(room: string, drafts: readonly RelayDraft[]): number[] {
    const history = historyOf(room), numbers = drafts.map((draft) => store(room, history, draft));
    if (sizeOf(history) === 0) forget(room, history);
    for (const [oldest, its] of histories) {
      if (total <= maxTotal) break;
      forget(oldest, its);
    }
    return numbers;
  }

  function read(room: string, after: number, limit: number): RelayPage {
    const history = histories.get(room);
    if (!history || sizeOf(history) === 0 || after > history.last) {
      return { messages: [], isTrimmed: after !== (history?.last ?? 0) };
    }
    const from = firstAfter(history, after), found = history.entries.slice(from, from + limit);
    const isTrimmed = found.length > 0 && isCut(found[0]!.previous, after);
    return { messages: found.map(({ message }) => message), isTrimmed };
  }

  function unsubscribe(room: string): void {
    subscribed.delete(room);
    const history = histories.get(room);
    if (history && sizeOf(history) === 0) forget(room, history);
  }

  const settle = <T>(run: () => T): Promise<T> => isClosed ? Promise.reject(closedError()) : Promise.resolve(run());
  return {
    start: (told) => void (listener = told),
    publish: (room, drafts) => settle(() => publish(room, drafts)),
    read: (room, after, limit) => settle(() => read(room, after, limit)),
    subscribe: (room) => settle(() => subscribed.add(room) && (histories.get(room)?.last ?? 0)),
    unsubscribe,
    close(): Promise<void> {
      isClosed = true;
      listener = undefined;
      return Promise.resolve();
    },
  };
}

const sizeOf = ({ entries, first }: History): number => entries.length - first;

/** The index of the first entry with a larger number. */
function firstAfter({ entries, first }: History, after: number): number {
  let low = first, high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (entries[middle]!.message.number > after) high = middle;
    else low = middle + 1;
  }
  return low;
}
