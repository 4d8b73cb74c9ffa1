// The class WebSocket (WHATWG WebSockets §3.1) over a connection of ours: its state, and the order of its events.

import { connectChecked } from "../client/connect.ts";
import type { CheckedConnectOptions } from "../client/connect_options.ts";
import { Connection } from "../connection/connection.ts";
import type { ConnectionOwner } from "../connection/connection_owner.ts";
import { type CloseInfo, WebSocketError } from "../errors/websocket_error.ts";
import { defineHandlers, EventHandlers } from "./event_handlers.ts";
import { EventQueue } from "./event_queue.ts";
import { CloseEvent, ErrorEvent, type WebSocketEventMap } from "./events.ts";
import { MessageEvent } from "./message_event.ts";
import { OnlyListener } from "./only_listener.ts";
import { Outgoing } from "./outgoing.ts";
import { notOpenedError, webClose } from "./stream_error.ts";
import { clampShort, defineConstants, makeEnumerable } from "./web_idl.ts";
import { checkMemory, dataOf, webMessage } from "./web_message.ts";
import { checkWebOptions, type WebOptions } from "./web_options.ts";
import { webProtocols } from "./web_protocols.ts";
import { webUrl } from "./web_url.ts";
import { initOf, type WebSocketInit } from "./websocket_init.ts";

const CONNECTING = 0, OPEN = 1, CLOSING = 2, CLOSED = 3;

/** A listener as the runtime has it: its types know less of events. */
type RuntimeListener = Parameters<EventTarget["addEventListener"]>[1];

type Received = string | Uint8Array<ArrayBuffer>;

/** What waits for its turn: a message, or anything else that happens. */
type Task = Received | (() => void);

/**
 * The web's class for a WebSocket. Its events are those of the standard, in their order, each in a turn of its own.
 *
 * @example An echo
 * ```ts
 * import { serve } from "@handfast/websocket";
 * import { WebSocket } from "@handfast/websocket/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await serve({ port: 0 }, (socket) => socket.receive((message) => socket.send(message)));
 * const socket = new WebSocket(server.url!);
 * socket.binaryType = "arraybuffer";
 * socket.addEventListener("open", () => socket.send(Uint8Array.of(1, 2)));
 * socket.addEventListener("message", ({ data }) => socket.close(3000 + data.byteLength));
 * const { code } = await new Promise<CloseEvent>((resolve) => socket.addEventListener("close", resolve));
 *
 * assertEquals(code, 3002);
 * ```
 */
export class WebSocket extends EventTarget {
  /** The value of `readyState` before it is open. */
  declare static readonly CONNECTING: 0;
  /** The value of `readyState` while it is open. */
  declare static readonly OPEN: 1;
  /** The value of `readyState` while it is closing. */
  declare static readonly CLOSING: 2;
  /** The value of `readyState` once it is closed. */
  declare static readonly CLOSED: 3;
  /** The value of `readyState` before it is open. */
  declare readonly CONNECTING: 0;
  /** The value of `readyState` while it is open. */
  declare readonly OPEN: 1;
  /** The value of `readyState` while it is closing. */
  declare readonly CLOSING: 2;
  /** The value of `readyState` once it is closed. */
  declare readonly CLOSED: 3;

  /** Is called when it is open. */
  declare onopen: ((this: WebSocket, event: Event) => unknown) | null;
  /** Is called with each message. */
  declare onmessage: ((this: WebSocket, event: MessageEvent) => unknown) | null;
  /** Is called when it could not be opened, or is lost; `close` follows. */
  declare onerror: ((this: WebSocket, event: ErrorEvent) => unknown) | null;
  /** Is called when it is closed. */
  declare onclose: ((this: WebSocket, event: CloseEvent) => unknown) | null;

  readonly #url: URL;
  readonly #origin: string;
  readonly #handlers: EventHandlers = new EventHandlers(this);
  readonly #events: EventQueue<Task> = new EventQueue((task) => this.#run(task));
  readonly #outgoing: Outgoing = new Outgoing();
  readonly #only: OnlyListener | undefined = OnlyListener.of(this);
  /** Ends the handshake. */
  readonly #connecting: AbortController = new AbortController();
  #readyState: 0 | 1 | 2 | 3 = CONNECTING;
  #binaryType: "blob" | "arraybuffer" = "blob";
  #protocol = "";
  #extensions = "";

  /**
   * Opens a WebSocket.
   *
   * @param url Where to connect to: `ws:`, `wss:`, `http:` or `https:`, without a fragment.
   * @param protocols The subprotocol to offer, or several; or an object of them and the options.
   * @param options What {@linkcode connect} can beyond the web. What is no object is ignored, as the web does.
   * @throws {DOMException} `SyntaxError` when the URL or a subprotocol can't be used.
   * @throws {TypeError} When the URL is missing, or an option can't be used.
   * @throws {RangeError} When a number among the options is out of its range.
   */
  constructor(
    url: string | URL,
    protocols: string | Iterable<string> | WebSocketInit | null = [],
    options?: WebOptions,
  ) {
    if (arguments.length === 0) throw new TypeError("Cannot open a WebSocket: the URL is missing");
    super();
    this.#url = webUrl(url);
    this.#origin = this.#url.origin;
    const { protocols: given = [], ...init } = initOf(protocols), beyond = typeof options === "object" ? options : {};
    const offered = webProtocols(typeof given === "string" ? [given] : given);
    const { signal } = this.#connecting;
    this.#events.takeTurn(); // nothing has happened before the constructor's caller goes on
    void this.#open(checkWebOptions({ ...init, ...beyond }, { protocols: offered, signal }));
  }

  /** The URL, as it was parsed: with the scheme ws or wss. */
  get url(): string {
    return this.#url.href;
  }

  /** `CONNECTING` (0), `OPEN` (1), `CLOSING` (2) or `CLOSED` (3). */
  get readyState(): 0 | 1 | 2 | 3 {
    return this.#readyState;
  }

  /** How many bytes of messages wait to be written, without what frames add. What is sent too late is counted for ever. */
  get bufferedAmount(): number {
    return this.#outgoing.bufferedAmount;
  }

  /** The extensions in use, or `""`. */
  get extensions(): string {
    return this.#extensions;
  }

  /** The subprotocol in use, or `""`. */
  get protocol(): string {
    return this.#protocol;
  }

  /** What bytes that come become: a `Blob`, or an `ArrayBuffer`. Another value is ignored. */
  get binaryType(): "blob" | "arraybuffer" {
    return this.#binaryType;
  }

  /**
   * Sets what bytes become that are told from now on.
   *
   * @param value `"blob"` or `"arraybuffer"`.
   */
  set binaryType(value: "blob" | "arraybuffer") {
    const type = `${value}`;
    if (type === "blob" || type === "arraybuffer") this.#binaryType = type;
  }

  /**
   * Sends a message: a buffer or a `Blob` as bytes, anything else as the text that it converts to. It waits for nothing:
   * `bufferedAmount` grows, and past `maxBufferedAmount` the WebSocket fails. What is sent once it is closing is dropped.
   *
   * @param data The message.
   * @throws {DOMException} `InvalidStateError` before it is open.
   * @throws {TypeError} When it can't be converted to a string, or is memory that is shared or resizable.
   */
  send(data: string | ArrayBufferLike | ArrayBufferView | Blob): void {
    if (arguments.length === 0) throw new TypeError("Cannot send: the message is missing");
    const message = webMessage(data);
    if (this.#readyState === CONNECTING) {
      checkMemory(message); // a conversion comes first (Web IDL §3.7.7)
      throw new DOMException("Cannot send: the WebSocket is not open yet", "InvalidStateError");
    }
    this.#outgoing.send(message, this.#readyState === OPEN);
  }

  /**
   * Starts the closing handshake, behind what was sent; gives up before it is open. Once it is closing, it does nothing.
   *
   * @param code The close code, 1000 or 3000–4999. Without it and a reason the Close frame is empty; with a reason it is 1000.
   * @param reason The close reason, of at most 123 bytes of UTF-8.
   * @throws {DOMException} `InvalidAccessError` for another code, `SyntaxError` for a longer reason.
   */
  close(code: number | undefined = undefined, reason: string | undefined = undefined): void {
    const info = webClose({ closeCode: code === undefined ? undefined : clampShort(code), reason });
    if (this.#readyState > OPEN) return;
    const isOpen = this.#readyState === OPEN;
    this.#readyState = CLOSING;
    if (isOpen) return this.#outgoing.close(info);
    this.#events.takeTurn(); // so that no event comes before the caller goes on
    this.#connecting.abort(notOpenedError("The WebSocket was closed before it was open"));
  }

  /**
   * Adds a listener.
   *
   * @param type The type of the events: `open`, `message`, `error`, `close`, or one that is dispatched by hand.
   * @param listener Is called with each event.
   * @param options `true` or `capture` for the first phase; `once`; `passive`; a `signal` that removes it.
   */
  override addEventListener<Type extends keyof WebSocketEventMap | (string & Record<never, never>)>(
    type: Type,
    listener: ((this: WebSocket, event: (WebSocketEventMap & { [type: string]: Event })[Type]) => unknown) | {
      handleEvent(event: (WebSocketEventMap & { [type: string]: Event })[Type]): unknown;
    } | null,
    options: boolean | AddEventListenerOptions | undefined = undefined,
  ): void {
    if (arguments.length < 2) throw new TypeError("Cannot add a listener: it needs a type and a listener");
    super.addEventListener(type, listener as RuntimeListener, options);
  }

  /**
   * Removes a listener.
   *
   * @param type The type of the events.
   * @param listener The very one that was added.
   * @param options `true` or `capture`, as when it was added.
   */
  override removeEventListener<Type extends keyof WebSocketEventMap | (string & Record<never, never>)>(
    type: Type,
    listener: ((this: WebSocket, event: (WebSocketEventMap & { [type: string]: Event })[Type]) => unknown) | {
      handleEvent(event: (WebSocketEventMap & { [type: string]: Event })[Type]): unknown;
    } | null,
    options: boolean | EventListenerOptions | undefined = undefined,
  ): void {
    if (arguments.length < 2) throw new TypeError("Cannot remove a listener: it needs a type and a listener");
    // Node takes `true` for an object that has no capture
    const phase = typeof options === "boolean" ? { capture: options } : options;
    super.removeEventListener(type, listener as RuntimeListener, phase);
  }

  /** What `Object.prototype.toString()` shows. */
  get [Symbol.toStringTag](): string {
    return "WebSocket";
  }

  async #open(checked: CheckedConnectOptions): Promise<void> {
    const { signal } = this.#connecting;
    try {
      const connection = await connectChecked(this.#url, checked), driver = Connection.driverOf(connection)!;
      driver.addOwner(this.#owner());
      this.#events.push(() => {
        if (this.#readyState !== CONNECTING) return driver.abort(signal.reason); // it was closed meanwhile
        this.#outgoing.onOpen(driver);
        this.#readyState = OPEN;
        this.#protocol = connection.protocol;
        this.#extensions = connection.extensions;
        this.#fire(new Event("open"));
      });
      const receiving = driver.messages.receive(
        (message) => this.#events.push(message as Received), // no option lets it come in pieces
        { hasAside: () => this.#events.isBehind },
      );
      receiving.catch(() => {}); // the owner is told
    } catch (error) {
      this.#events.pushLast(() => this.#end(error));
    }
  }

  /** What is told of the end goes behind the messages before it. */
  #owner(): ConnectionOwner {
    return {
      onPeerClose: () => {
        this.#events.push(() => {
          if (this.#readyState === OPEN) this.#readyState = CLOSING;
        });
      },
      onClosed: (outcome) => this.#events.pushLast(() => this.#end(outcome)),
    };
  }

  #run(task: Task): void {
    if (typeof task === "function") return task();
    if (this.#readyState !== OPEN) return;
    const data = typeof task === "string" ? task : dataOf(task, this.#binaryType);
    this.#fire(new MessageEvent("message", { data, origin: this.#origin }));
  }

  /** It is closed. Where it was not clean, the peer's Close frame counts if it has come, and otherwise 1006 (RFC 6455 §7.1.5). */
  #end(outcome: unknown): void {
    this.#readyState = CLOSED;
    this.#outgoing.onClosed();
    if (!(outcome instanceof Error)) {
      const { closeCode: code, reason } = outcome as CloseInfo;
      return this.#fire(new CloseEvent("close", { wasClean: true, code, reason }));
    }
    const isPeers = outcome instanceof WebSocketError && outcome.failure === undefined && outcome.closeCode !== null;
    const { closeCode, reason } = isPeers ? outcome : { closeCode: 1006, reason: "" };
    this.#fire(new ErrorEvent("error", { message: outcome.message, error: outcome }));
    this.#fire(new CloseEvent("close", { code: closeCode ?? 1006, reason }));
  }

  static {
    defineHandlers(this.prototype, ["open", "message", "error", "close"], (socket) => socket.#handlers);
  }

  /** Not by the method that a subclass may have: it is not the program that dispatches. */
  #fire(event: Event): void {
    if (!this.#only?.tell(event.type, event)) super.dispatchEvent(event);
  }
}

defineConstants(WebSocket, { CONNECTING, OPEN, CLOSING, CLOSED });
makeEnumerable(WebSocket.prototype);
