// The event of a message (HTML §9.1), and the short way of telling it.

import { derive, type EventInit, fieldsOf } from "./event_class.ts";

/**
 * What a {@linkcode MessageEvent} is made with.
 *
 * @example Data and its origin
 * ```ts
 * import { MessageEvent, type MessageEventInit } from "@handfast/websocket/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const init: MessageEventInit = { data: "Hello", origin: "wss://example.com" };
 *
 * assertEquals(new MessageEvent("message", init).origin, "wss://example.com");
 * ```
 */
export interface MessageEventInit extends EventInit {
  /** The message. */
  data?: unknown;
  /** Where it comes from. */
  origin?: string | undefined;
  /** The identifier of the last event, of an `EventSource`. */
  lastEventId?: string | undefined;
  /** Who has posted it, of a window or a port. */
  source?: object | null | undefined;
  /** The ports that came with it. */
  ports?: Iterable<object> | undefined;
}

const NO_PORTS: readonly object[] = Object.freeze([]);

/**
 * Calls the one listener that there is with a message, as `dispatchEvent()` would, which takes 250 ns more: as much as all
 * else that is done for a short message.
 */
export let tell: (event: MessageEvent, target: EventTarget, handler: (event: MessageEvent) => unknown) => void;

/** Reports what a listener has thrown, as the runtime does it. */
function report(error: unknown): void {
  const target = new EventTarget();
  target.addEventListener("error", () => {
    throw error;
  });
  target.dispatchEvent(new Event("error"));
}

/**
 * The event of a message that has come (HTML §9.1).
 *
 * @example The data of a message
 * ```ts
 * import { serve } from "@handfast/websocket";
 * import { MessageEvent, WebSocket } from "@handfast/websocket/websocket";
 * import { assert, assertEquals } from "@std/assert";
 *
 * await using server = await serve({ port: 0 }, (socket) => void socket.send("Hello"));
 * const socket = new WebSocket(server.url!);
 * const event = await new Promise((resolve) => socket.onmessage = resolve);
 *
 * assert(event instanceof MessageEvent);
 * assertEquals(event.data, "Hello");
 * socket.close();
 * ```
 */
// deno-lint-ignore no-explicit-any
export class MessageEvent<Data = any> extends Event {
  readonly #data: Data;
  readonly #init: MessageEventInit;
  #ports: readonly object[] | undefined;
  /** Whom it was told without being dispatched, and whether that is going on. */
  #told: EventTarget | null = null;
  #isTelling = false;

  static {
    tell = (event, target, handler) => {
      event.#told = target;
      event.#isTelling = true;
      try {
        Reflect.apply(handler, target, [event]);
      } catch (error) {
        report(error);
      } finally {
        event.#isTelling = false;
      }
    };
  }

  /**
   * Makes an event.
   *
   * @param type Its type, such as `"message"`.
   * @param init Its data, and where it comes from.
   */
  constructor(type: string, init: MessageEventInit = {}) {
    super(type, fieldsOf(init));
    this.#data = (init.data === undefined ? null : init.data) as Data;
    this.#init = init;
  }

  /** The `WebSocket`. */
  override get target(): EventTarget | null {
    return super.target ?? this.#told;
  }

  /** The `WebSocket`, while its listeners are called. */
  override get currentTarget(): EventTarget | null {
    return this.#isTelling ? this.#told : super.currentTarget;
  }

  /** 2, `AT_TARGET`, while listeners are called, and otherwise 0. */
  override get eventPhase(): 0 | 2 {
    return this.#isTelling ? 2 : super.eventPhase as 0 | 2;
  }

  /**
   * Whose listeners are called.
   *
   * @returns The `WebSocket` while they are, and otherwise nobody.
   */
  override composedPath(): [] | [EventTarget] {
    return this.#isTelling ? [this.#told!] : super.composedPath() as [] | [EventTarget];
  }

  /** The message: text is a string, bytes are a `Blob` or an `ArrayBuffer` as `binaryType` says. */
  get data(): Data {
    return this.#data;
  }

  /** The origin of the URL, such as `wss://example.com`. */
  get origin(): string {
    return `${this.#init.origin ?? ""}`;
  }

  /** `""` for a WebSocket. */
  get lastEventId(): string {
    return `${this.#init.lastEventId ?? ""}`;
  }

  /** `null` for a WebSocket. */
  get source(): object | null {
    return this.#init.source ?? null;
  }

  /** Empty for a WebSocket. */
  get ports(): readonly object[] {
    const { ports } = this.#init;
    return this.#ports ??= ports === undefined ? NO_PORTS : Object.freeze([...ports]);
  }
}
derive(MessageEvent, "MessageEvent");
