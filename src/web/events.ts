// The events of the class WebSocket (WHATWG WebSockets §6, HTML §8.1.4), by their types.

import { derive, type EventInit, fieldsOf, initOfEvent } from "./event_class.ts";
import type { MessageEvent } from "./message_event.ts";
import { toNumber } from "./web_idl.ts";

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
  constructor(type: string, init: CloseEventInit | null = {}) {
    const fields: CloseEventInit = initOfEvent("CloseEvent", arguments.length, init);
    super(type, fieldsOf(fields));
    const { wasClean, code = 0, reason = "" } = fields;
    this.#wasClean = Boolean(wasClean);
    this.#code = toNumber(code) & 0xffff;
    this.#reason = `${reason}`.toWellFormed();
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
  constructor(type: string, init: ErrorEventInit | null = {}) {
    const fields: ErrorEventInit = initOfEvent("ErrorEvent", arguments.length, init);
    super(type, fieldsOf(fields));
    const { message = "", error } = fields;
    this.#message = `${message}`;
    this.#error = error;
  }

  /** What has happened. */
  get message(): string {
    return this.#message;
  }

  /** A `HandshakeError` if it was not opened, a `WebSocketError` if it was lost or the peer has broken a rule. */
  // deno-lint-ignore no-explicit-any -- as the global event has it: handlers written for that read its properties
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
