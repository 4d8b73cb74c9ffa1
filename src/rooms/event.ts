// What is delivered of a room, and how members read it: as JSON, unless the user encodes it.

import { encodeBase64 } from "../base/base64.ts";
import { bytesOf } from "../base/owned_bytes.ts";
import type { Message } from "../protocol/contract.ts";
import { prepare, type PreparedMessage } from "../protocol/prepared_message.ts";

/**
 * A message of a room, as it is delivered.
 *
 * @example Usage
 * ```ts
 * import { type RoomMessage, Rooms } from "@handfast/websocket/rooms";
 * import { assertEquals } from "@std/assert";
 *
 * await using rooms = new Rooms();
 * const { promise, resolve } = Promise.withResolvers<RoomMessage>();
 * await rooms.subscribe("lobby", (event) => event.gap ?? resolve(event));
 * const number = await rooms.publish("lobby", "Hello");
 *
 * assertEquals(await promise, { room: "lobby", number, message: "Hello" });
 * ```
 */
export interface RoomMessage {
  /** The name of the room. */
  readonly room: string;
  /** Its number in the room: larger than that of every message before it, and seldom by just one. Never above 2^53. */
  readonly number: number;
  /** What was published. Nobody may write to the bytes. */
  readonly message: string | Uint8Array<ArrayBuffer>;
  /** Never: that is the other kind of event. */
  readonly gap?: undefined;
}

/**
 * Some messages of a room may be missing here: they are no longer kept, or the engine has lost them.
 *
 * @example Usage
 * ```ts
 * import { memoryRelay, type RoomGap, Rooms } from "@handfast/websocket/rooms";
 * import { assertEquals } from "@std/assert";
 *
 * await using rooms = new Rooms({ relay: memoryRelay({ messages: 1 }) });
 * const numbers = [await rooms.publish("lobby", "a"), await rooms.publish("lobby", "b")];
 * const { promise, resolve } = Promise.withResolvers<RoomGap>();
 * await rooms.subscribe("lobby", (event) => event.gap && resolve(event), { after: 0 });
 *
 * assertEquals(await promise, { room: "lobby", gap: { after: 0, next: numbers[1] } });
 * ```
 */
export interface RoomGap {
  /** The name of the room. */
  readonly room: string;
  /** The number that the member had, and the number of the message that comes next; without it, there is none yet. */
  readonly gap: { readonly after: number; readonly next?: number | undefined };
  /** Never: that is the other kind of event. */
  readonly number?: undefined;
  /** Never: that is the other kind of event. */
  readonly message?: undefined;
}

/**
 * What members and subscribers of a room get: messages, and where some may be missing, a gap.
 *
 * @example A format of your own
 * ```ts
 * import { connect, serve } from "@handfast/websocket";
 * import { type RoomEvent, Rooms } from "@handfast/websocket/rooms";
 * import { assertEquals } from "@std/assert";
 *
 * const encode = (event: RoomEvent) => event.gap ? "?" : `${event.room}: ${event.message}`;
 * await using rooms = new Rooms({ encode });
 * await using server = await serve({ port: 0 }, (socket) => rooms.join("lobby", socket, { after: 0 }));
 * await rooms.publish("lobby", "Hello");
 * await using socket = await connect(server.url!);
 *
 * assertEquals((await socket.readable.getReader().read()).value, "lobby: Hello");
 * ```
 */
export type RoomEvent = RoomMessage | RoomGap;

/** The format that members get by default: JSON, in a text message. */
export function encodeAsJson(event: RoomEvent): string {
  const { message } = event;
  if (message === undefined || typeof message === "string") return JSON.stringify(event);
  return JSON.stringify({ room: event.room, number: event.number, base64: encodeBase64(message) });
}

/** An event on its way to one who is in a room, or to all: it is encoded once for all of them, when one needs it. */
export class Delivery {
  readonly event: RoomEvent;
  readonly #isShared: boolean;
  #encoded: Message | undefined;
  /** From the second member on: it is framed and compressed once, but refers to no earlier message of the connection. */
  #prepared: PreparedMessage | undefined;
  #hasFailed = false;

  /** @param isShared Whether it may go to many. */
  constructor(event: RoomEvent, isShared: boolean) {
    this.event = event;
    this.#isShared = isShared;
  }

  /** What it takes in memory, about. */
  get bytes(): number {
    const { message = "" } = this.event;
    return typeof message === "string" ? 2 * message.length : message.byteLength;
  }

  /** As members get it; `undefined` where that has failed, of which is told once. */
  encoded({ encode, onError }: Encoding): Message | PreparedMessage | undefined {
    if (this.#hasFailed) return undefined;
    if (this.#encoded !== undefined) return this.#isShared ? this.#prepared ??= prepare(this.#encoded) : this.#encoded;
    try {
      const encoded = encode(this.event);
      return this.#encoded = typeof encoded === "string" ? encoded : bytesOf(encoded);
    } catch (error) {
      this.#hasFailed = true;
      onError(error, { kind: "encode", room: this.event.room });
      return undefined;
    }
  }
}

/** How events are encoded, and who is told when that fails. */
export interface Encoding {
  encode(event: RoomEvent): Message;
  onError(error: unknown, context: RoomsErrorContext): void;
}

/**
 * What an error of rooms is about: the second argument of `onError`.
 *
 * - `"relay"`: the engine cannot be used, or calls fail again and again. Told once, until `onRecovery` is called. Messages
 *   wait, and members stay.
 * - `"subscriber"`: the handler of a subscriber, or `onCaughtUp`, has failed; the next event comes all the same.
 * - `"encode"`: the function `encode` has failed, or gave what is no message; members do not get that event.
 *
 * @example Log what is broken
 * ```ts
 * import { Rooms, type RoomsErrorContext } from "@handfast/websocket/rooms";
 * import { assertEquals } from "@std/assert";
 *
 * const { promise, resolve } = Promise.withResolvers<RoomsErrorContext>();
 * await using rooms = new Rooms({ onError: (_, context) => resolve(context) });
 * await rooms.subscribe("lobby", () => {
 *   throw new Error("I am a broken bot");
 * });
 * await rooms.publish("lobby", "Hello");
 *
 * assertEquals(await promise, { kind: "subscriber", room: "lobby" });
 * ```
 */
export interface RoomsErrorContext {
  /** What has failed. */
  readonly kind: "relay" | "subscriber" | "encode";
  /** The name of the room, where it is about one. */
  readonly room?: string | undefined;
}
