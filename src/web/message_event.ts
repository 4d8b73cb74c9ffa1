// The event of a message (HTML §9.1).

import { derive, type EventInit, fieldsOf, initOfEvent } from "./event_class.ts";

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

/** What the events of a WebSocket have no use for. */
interface Rest {
  readonly lastEventId: string;
  // deno-lint-ignore no-explicit-any -- a window or a port, of which not every library of types knows
  readonly source: any;
  // deno-lint-ignore no-explicit-any -- ports
  readonly ports: readonly any[];
}

const NO_REST: Rest = { lastEventId: "", source: null, ports: Object.freeze([]) };

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
  #data: Data;
  #origin: string;
  #rest: Rest;

  /**
   * Makes an event.
   *
   * @param type Its type, such as `"message"`.
   * @param init Its data, and where it comes from.
   */
  constructor(type: string, init: MessageEventInit | null = {}) {
    const fields: MessageEventInit = initOfEvent("MessageEvent", arguments.length, init);
    super(type, fieldsOf(fields));
    const { data = null, origin = "", lastEventId = "", source = null, ports } = fields;
    this.#data = data as Data;
    this.#origin = `${origin}`;
    this.#rest = lastEventId === "" && source === null && ports === undefined ? NO_REST : {
      lastEventId: `${lastEventId}`,
      source,
      ports: Object.freeze([...ports ?? []]),
    };
  }

  /** The message: text is a string, bytes are a `Blob` or an `ArrayBuffer` as `binaryType` says. */
  get data(): Data {
    return this.#data;
  }

  /** The origin of the URL, such as `wss://example.com`. */
  get origin(): string {
    return this.#origin;
  }

  /** `""` for a WebSocket. */
  get lastEventId(): string {
    return this.#rest.lastEventId;
  }

  /** `null` for a WebSocket. */
  // deno-lint-ignore no-explicit-any -- so that it is assignable to the global event, of which each library has other types
  get source(): any {
    return this.#rest.source;
  }

  /** Empty for a WebSocket. */
  // deno-lint-ignore no-explicit-any -- as `source`
  get ports(): readonly any[] {
    return this.#rest.ports;
  }

  /**
   * Makes it another event, as old programs do; nothing happens while it is being dispatched.
   *
   * @param type Its type.
   * @param bubbles Whether it bubbles.
   * @param cancelable Whether `preventDefault()` has an effect.
   * @param data The message.
   * @param origin Where it comes from.
   * @param lastEventId The identifier of the last event.
   * @param source Who has posted it.
   * @param ports The ports that came with it.
   * @throws {TypeError} When the type is missing.
   * @throws {DOMException} `NotSupportedError` on Deno, whose events have no `initEvent()`.
   * @deprecated Make a new one.
   */
  initMessageEvent(
    type: string,
    bubbles = false,
    cancelable = false,
    data: Data | null = null,
    origin = "",
    lastEventId = "",
    source: object | null = null,
    ports: Iterable<object> = [],
  ): void {
    if (arguments.length === 0) throw new TypeError("Cannot initialize a MessageEvent: the type is missing");
    if (typeof this.initEvent !== "function") { // as Deno's own MessageEvent can't be, either
      throw new DOMException(
        "Cannot initialize a MessageEvent: this runtime's events stay as they are",
        "NotSupportedError",
      );
    }
    if (this.eventPhase !== 0) return;
    this.initEvent(type, bubbles, cancelable);
    this.#data = data as Data;
    this.#origin = `${origin}`;
    this.#rest = { lastEventId: `${lastEventId}`, source, ports: Object.freeze([...ports]) };
  }
}
derive(MessageEvent, "MessageEvent");
