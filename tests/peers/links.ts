// A WebSocket of ours and one of a peer's, with a TCP connection of their own between them.

import { assert } from "@std/assert";
import {
  accept,
  type Accepted,
  type AcceptOptions,
  type CloseInfo,
  connect,
  type Connected,
  type ConnectOptions,
  type WebSocketConnection,
} from "../../mod.ts";
import * as tcp from "../kit/tcp.ts";

/** What the WebSockets of all peers have in common (WHATWG WebSockets). */
export interface PeerSocket {
  binaryType: string;
  readonly readyState: number;
  readonly protocol: string;
  send(data: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: string, listener: (event: Event) => void): void;
}

/** A message as it arrives. */
export type Received = string | Uint8Array;

/** A peer's WebSocket whose events are waited for. Made in the turn in which the socket was, it misses none. */
export class Peer<Socket extends PeerSocket> {
  readonly socket: Socket;
  readonly opened: Promise<void>;
  readonly closed: Promise<CloseInfo>;
  #messages: Received[] = [];
  #isClosed = false;
  #wake = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    const opened = Promise.withResolvers<void>(), closed = Promise.withResolvers<CloseInfo>();
    this.opened = opened.promise;
    this.closed = closed.promise;
    this.opened.catch(() => {});
    if (socket.readyState === 1) opened.resolve();
    socket.addEventListener("open", () => opened.resolve());
    socket.addEventListener("error", () => opened.reject(new Error("The peer could not open its WebSocket")));
    socket.addEventListener("message", (event) => {
      const { data } = event as MessageEvent<string | ArrayBuffer>;
      this.#messages.push(typeof data === "string" ? data : new Uint8Array(data));
      this.#wake();
    });
    socket.addEventListener("close", (event) => {
      const { code: closeCode, reason } = event as CloseEvent;
      closed.resolve({ closeCode, reason });
      this.#isClosed = true;
      this.#wake();
    });
  }

  /** The next messages, as soon as there are `count`. */
  async take(count: number): Promise<Received[]> {
    while (this.#messages.length < count) {
      assert(!this.#isClosed, `The peer was closed after ${this.#messages.length} of ${count} messages`);
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return this.#messages.splice(0, count);
  }
}

/** What each role says in the handshake. */
export interface Opening {
  /** What the client offers, the preferred one first. */
  readonly offered?: readonly string[];
  /** What the server speaks, the preferred one first. */
  readonly spoken?: readonly string[];
  readonly clientFields?: Record<string, string>;
  readonly serverFields?: Record<string, string>;
}

/** The fields of a head, as far as they are looked at. */
export type Fields = Pick<Headers, "get">;

/** Both ends. */
export interface Link<Socket extends PeerSocket> extends AsyncDisposable {
  readonly ours: WebSocketConnection;
  readonly theirs: Peer<Socket>;
  /** What the server saw of the request, and the client of the response, where the peer shows it. */
  readonly request: Fields;
  readonly response: Fields | undefined;
}

/** A peer's client: makes a WebSocket. */
export type Dial<Socket extends PeerSocket> = (
  url: string,
  opening: Required<Pick<Opening, "offered" | "clientFields">>,
) => {
  readonly socket: Socket;
  /** The response's fields, once it is open. */
  response?(): Fields;
  close?(): Promise<void>;
};

/** A peer's client that meets our accept(), whatever comes of it. */
export async function meet<Socket extends PeerSocket>(
  dial: Dial<Socket>,
  { offered = [], clientFields = {} }: Opening,
  options: AcceptOptions,
): Promise<{ client: ReturnType<Dial<Socket>>; theirs: Peer<Socket>; accepting: Promise<Accepted> }> {
  using listener = await tcp.listen();
  const client = dial(`ws://127.0.0.1:${listener.port}/`, { offered, clientFields });
  const theirs = new Peer(client.socket);
  return { client, theirs, accepting: accept(await listener.accept(), options) };
}

/** Our accept() and a peer's client. */
export async function acceptFrom<Socket extends PeerSocket>(
  dial: Dial<Socket>,
  opening: Opening = {},
): Promise<Link<Socket>> {
  const { spoken = [], serverFields = {} } = opening;
  const { client, theirs, accepting } = await meet(dial, opening, { protocols: spoken, headers: serverFields });
  const ours = await accepting;
  await theirs.opened;
  return {
    ours,
    theirs,
    request: ours.request.headers,
    response: client.response?.(),
    async [Symbol.asyncDispose]() {
      ours.abort();
      await theirs.closed;
      await client.close?.();
    },
  };
}

/** A WebSocket that a peer's server has accepted. */
export interface AcceptedPeer<Socket extends PeerSocket> {
  readonly theirs: Peer<Socket>;
  readonly request: Fields;
}

/** A peer's server that listens. */
export interface PeerServer<Socket extends PeerSocket> {
  readonly port: number;
  readonly accepted: Promise<AcceptedPeer<Socket>>;
  close(): Promise<void>;
}

/** A refusal by a server. */
export interface Refusal {
  readonly status: number;
  readonly fields: Record<string, string>;
  readonly body: string;
}

/** Starts a peer's server, which accepts or, when told how, refuses. */
export type Serve<Socket extends PeerSocket> = (
  opening: Required<Pick<Opening, "spoken" | "serverFields">>,
  refusal?: Refusal,
) => PeerServer<Socket> | Promise<PeerServer<Socket>>;

/** Our connect() to a server. */
export async function dialled(port: number, options: Omit<ConnectOptions, "conn"> = {}): Promise<Connected> {
  return await connect(`ws://127.0.0.1:${port}/`, { ...options, conn: await tcp.dial(port) });
}

/** A peer's server and our connect(). */
export async function connectTo<Socket extends PeerSocket>(
  serve: Serve<Socket>,
  { offered = [], spoken = [], clientFields = {}, serverFields = {} }: Opening = {},
): Promise<Link<Socket>> {
  const server = await serve({ spoken, serverFields });
  const ours = await dialled(server.port, { protocols: offered, headers: clientFields });
  const { theirs, request } = await server.accepted;
  await theirs.opened;
  return {
    ours,
    theirs,
    request,
    response: ours.response.headers,
    async [Symbol.asyncDispose]() {
      ours.abort();
      await theirs.closed;
      await server.close();
    },
  };
}
