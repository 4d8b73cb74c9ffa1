// Where deliveries go: to a member's socket, or to a handler.

import { isPromiseLike, type WebSocketConnection } from "../connection/websocket_connection.ts";
import type { Encoding, RoomEvent } from "./event.ts";
import type { Sink } from "./follower.ts";

/**
 * What `subscribe()` of `Rooms` gives.
 *
 * @example Usage
 * ```ts
 * import { Rooms, type RoomSubscription } from "@handfast/websocket/rooms";
 * import { assertEquals } from "@std/assert";
 *
 * await using rooms = new Rooms();
 * const seen: unknown[] = [];
 * const subscription: RoomSubscription = await rooms.subscribe("lobby", (event) => seen.push(event.message));
 * await rooms.publish("lobby", "Hello");
 * subscription.unsubscribe();
 * await rooms.publish("lobby", "Is anybody here?");
 *
 * assertEquals(seen, ["Hello"]);
 * ```
 */
export interface RoomSubscription extends Disposable {
  /** The number behind which it began: the one it was given, or the last of the room. */
  readonly after: number;
  /** Ends it: the handler is not called again. */
  unsubscribe(): void;
}

/** Sends to a socket, until it is no longer open: then it leaves by itself. */
export function socketSink(socket: WebSocketConnection<unknown>, encoding: Encoding): Sink {
  return (delivery) => {
    if (socket.state !== "open") return;
    const message = delivery.encoded(encoding);
    if (message === undefined) return;
    try {
      return socket.send(message);
    } catch (error) {
      // It may have noticed only now that it is lost
      if (socket.state === "open") encoding.onError(error, { kind: "encode", room: delivery.event.room });
    }
  };
}

/** Calls a handler, one event after the other, and goes on when it fails. */
export function handlerSink(handler: (event: RoomEvent) => unknown, { onError }: Encoding): Sink {
  /** Settles when the handler is done with all that it has got; it never rejects. */
  let busy: Promise<void> | undefined;
  const call = (event: RoomEvent): Promise<void> | undefined => {
    const onFailed = (error: unknown) => onError(error, { kind: "subscriber", room: event.room });
    try {
      const result = handler(event);
      return isPromiseLike(result) ? Promise.resolve(result).then(() => {}, onFailed) : undefined;
    } catch (error) {
      return void onFailed(error);
    }
  };
  return ({ event }) => {
    const called = busy ? busy.then(() => call(event)) : call(event);
    if (!called) return;
    const settled = busy = called.then(() => {
      if (busy === settled) busy = undefined;
    });
    return busy;
  };
}
