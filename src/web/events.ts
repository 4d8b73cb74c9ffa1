// The events of the class WebSocket (HTML §9.1, WHATWG WebSockets §6, HTML §8.1.4). They are ours on every runtime: Node has
// no CloseEvent before 23, and what Bun and Node have for a message takes four times as long to make. They are events of the
// runtime, and on Deno and Bun instances of its own classes of these names, too.

import { EVENTS_LOAD_FETCH } from "../base/tuning.ts";

/**
 * What every event is made with.
 *
 * @example An event that can be prevented
 * ```ts
 * import { CloseEvent, type EventInit } from "@handfast/websocket/websocket";
 * import { assert } from "@std/assert";
 *
 * const init: EventInit = { cancelable: true };
 *
 * assert(new CloseEvent("close", init).cancelable);
 * ```
 */
export interface EventInit {
  /** Whether it bubbles. It makes no difference here: a WebSocket has no parent. */
  bubbles?: boolean;
  /** Whether `preventDefault()` has an effect. */
  cancelable?: boolean;
  /** Whether it crosses the borders of shadow trees. */
  composed?: boolean;
}

/** The fields, if there are any: taking over none is faster. */
function fieldsOf({ bubbles = false, cancelable = false, composed = false }: EventInit): EventInit | undefined {
  return bubbles || cancelable || composed ? { bubbles, cancelable, composed } : undefined;
}

/** Makes ours an instance of the runtime's class, where that is there without loading what else comes with it. */
function derive(ours: { readonly prototype: object }, name: string): void {
  const theirs = EVENTS_LOAD_FETCH ? undefined : (globalThis as Record<string, unknown>)[name];
  if (typeof theirs === "function") Object.setPrototypeOf(ours.prototype, theirs.prototype);
  Object.defineProperty(ours.prototype, Symbol.toStringTag, { value: name, configurable: true });
}

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

/**
 * What a {@linkcode CloseEvent} is made with.
 *
 * @example A clean close
 * ```ts
 * import { CloseEvent, type CloseEventInit } from "@handfast/websocket/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const init: CloseEventInit = { wasClean: true, code: 1000 };
 *
 * assertEquals(new CloseEvent("close", init).code, 1000);
 * ```
 */
export interface CloseEventInit extends EventInit {
  /** Whether the closing handshake was finished. */
  wasClean?: boolean | undefined;
  /** The close code. */
  code?: number | undefined;
  /** The close reason. */
  reason?: string | undefined;
}

/**
 * The event of the end (WHATWG WebSockets §6).
 *
 * @example The code and the reason of the server
 * ```ts
 * import { serve } from "@handfast/websocket";
 * import { CloseEvent, WebSocket } from "@handfast/websocket/websocket";
 * import { assert, assertEquals } from "@std/assert";
 *
 * await using server = await serve({ port: 0 }, (socket) => void socket.close({ closeCode: 4001, reason: "moved" }));
 * const socket = new WebSocket(server.url!);
 * const event = await new Promise((resolve) => socket.onclose = resolve);
 *
 * assert(event instanceof CloseEvent);
 * assertEquals([event.wasClean, event.code, event.reason], [true, 4001, "moved"]);
 * ```
 */
export class CloseEvent extends Event {
  readonly #wasClean: boolean;
  readonly #code: number;
  readonly #reason: string;

  /**
   * Makes an event.
   *
   * @param type Its type, such as `"close"`.
   * @param init How it was closed.
   */
  constructor(type: string, init: CloseEventInit = {}) {
    super(type, fieldsOf(init));
    this.#wasClean = Boolean(init.wasClean);
    this.#code = Number(init.code ?? 0) & 0xffff;
    this.#reason = `${init.reason ?? ""}`.toWellFormed();
  }

  /** Whether the closing handshake was finished: both ends have sent a Close frame. */
  get wasClean(): boolean {
    return this.#wasClean;
  }

  /** The code of the peer's Close frame; 1005 when it had none, and 1006 when none has come. */
  get code(): number {
    return this.#code;
  }

  /** The reason of the peer's Close frame, or `""`. */
  get reason(): string {
    return this.#reason;
  }
}
derive(CloseEvent, "CloseEvent");

/**
 * What an {@linkcode ErrorEvent} is made with.
 *
 * @example An error
 * ```ts
 * import { ErrorEvent, type ErrorEventInit } from "@handfast/websocket/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const init: ErrorEventInit = { message: "Lost", error: new Error("Lost") };
 *
 * assertEquals(new ErrorEvent("error", init).message, "Lost");
 * ```
 */
export interface ErrorEventInit extends EventInit {
  /** What has happened. */
  message?: string | undefined;
  /** The error itself. */
  error?: unknown;
}

/**
 * The event of a failure. A page gets a bare `Event`, which must not tell what is wrong; a program may know.
 *
 * @example Why it could not be opened
 * ```ts
 * import { HandshakeError, serve } from "@handfast/websocket";
 * import { ErrorEvent, WebSocket } from "@handfast/websocket/websocket";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const authorize = () => new Response("Who are you?", { status: 401 });
 * await using server = await serve({ port: 0, authorize }, () => {});
 * const socket = new WebSocket(server.url!);
 * const event = await new Promise((resolve) => socket.onerror = resolve);
 *
 * assert(event instanceof ErrorEvent && event.error instanceof HandshakeError);
 * assertEquals(event.error.response?.status, 401);
 * ```
 */
export class ErrorEvent extends Event {
  readonly #message: string;
  readonly #error: unknown;

  /**
   * Makes an event.
   *
   * @param type Its type, such as `"error"`.
   * @param init The error.
   */
  constructor(type: string, init: ErrorEventInit = {}) {
    super(type, fieldsOf(init));
    this.#message = `${init.message ?? ""}`;
    this.#error = init.error;
  }

  /** What has happened. */
  get message(): string {
    return this.#message;
  }

  /** A `HandshakeError` if it was not opened, a `WebSocketError` if it was lost or the peer has broken a rule. */
  // deno-lint-ignore no-explicit-any
  get error(): any {
    return this.#error;
  }

  /** `""`: no script has failed. */
  get filename(): string {
    return "";
  }

  /** 0: no script has failed. */
  get lineno(): number {
    return 0;
  }

  /** 0: no script has failed. */
  get colno(): number {
    return 0;
  }
}
derive(ErrorEvent, "ErrorEvent");

/**
 * The events of a `WebSocket`, by their types.
 *
 * @example A listener for either
 * ```ts
 * import { WebSocket, type WebSocketEventMap } from "@handfast/websocket/websocket";
 * import { assertEquals } from "@std/assert";
 * import { connectionPair } from "@handfast/websocket/testing";
 *
 * const [conn] = connectionPair();
 * const socket = new WebSocket("ws://localhost/", [], { conn });
 * const seen: string[] = [];
 * const types: (keyof WebSocketEventMap)[] = ["error", "close"];
 * for (const type of types) socket.addEventListener(type, ({ type }) => seen.push(type));
 * socket.close();
 * await new Promise((resolve) => socket.addEventListener("close", resolve));
 *
 * assertEquals(seen, ["error", "close"]);
 * ```
 */
export interface WebSocketEventMap {
  /** It is open. */
  open: Event;
  /** A message has come. */
  message: MessageEvent;
  /** It could not be opened, or was lost; `close` follows. */
  error: ErrorEvent;
  /** It is closed. */
  close: CloseEvent;
}
