// The ways to a server that an attack takes: accept() in memory, where the bytes can be cut and work be counted, and serve()
// over a socket.

import { assertEquals, assertInstanceOf } from "@std/assert";
import { accept, type Accepted, type AcceptOptions, HandshakeError, type WebSocketError } from "../../../mod.ts";
import { connectionPair, type ConnectionPairOptions } from "../../../src/testing.ts";
import { upgrade } from "../../cases/requests_base.ts";
import { attached, RawPeer, settled } from "../../kit/raw_peer.ts";
import { served, socketsSettled } from "../../kit/serving.ts";

/** What a server makes of a request, and what it answers. */
export interface Served {
  readonly error?: Error;
  readonly accepted?: Accepted;
  readonly statuses: readonly number[];
  readonly reply: string;
  readonly conn: { readonly isClosed: boolean };
}

/** What comes of bytes to one end: its messages, the Close code that it writes, and its failure. */
export interface Fed {
  readonly messages: readonly (string | Uint8Array)[];
  readonly closeCode: number | undefined;
  readonly failure: string | undefined;
}

/** One way. */
export interface Door {
  /** What the name of a test has of it. */
  readonly title: string;
  /** The roles that an end of it may have. */
  readonly roles: readonly ("server" | "client")[];
  /** Whether work can be counted: the sockets of a runtime have some of their own. */
  readonly counts: boolean;
  /** Sends a request. */
  serve(request: string, options?: AcceptOptions): Promise<Served>;
  /** Sends frames to an end, and then nothing more. */
  feed(role: "server" | "client", bytes: Uint8Array, maxMessageSize?: number): Promise<Fed>;
}

const statusesOf = (reply: string) => [...reply.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));

/** {@linkcode Door.serve}, with the bytes cut as the pair cuts them. */
export async function serve(
  request: string,
  options: AcceptOptions = {},
  pair: ConnectionPairOptions = {},
): Promise<Served> {
  const [far, conn] = connectionPair(pair), peer = new RawPeer(far);
  peer.ended.then(() => peer.end(), () => {});
  peer.write(request);
  const result = await accept(conn, options).catch((error: Error) => error);
  await settled();
  const reply = peer.take(), statuses = statusesOf(reply);
  if (result instanceof Error) return { error: result, statuses, reply, conn };
  result.abort();
  return { accepted: result, statuses, reply, conn };
}

const inMemory: Door = {
  title: "",
  roles: ["server", "client"],
  counts: true,
  serve,
  async feed(role, bytes, maxMessageSize) {
    const { peer, socket } = attached(role, { maxMessageSize }, { highWaterMark: Infinity });
    const messages: (string | Uint8Array)[] = [];
    const received = socket.receive((message) => void messages.push(message)).catch((error) => error);
    peer.write(bytes);
    await settled();
    const closeCode = peer.frames(role).find(({ close }) => close)?.close;
    socket.abort();
    return { messages, closeCode, failure: (await received).failure };
  },
};

const overSocket: Door = {
  title: " on serve()",
  roles: ["server"],
  counts: false,
  async serve(request, options = {}) {
    const opened = Promise.withResolvers<Accepted>(),
      serving = served(opened.resolve, { ...options, onError: opened.reject });
    // Options that are wrong in themselves are found before a client comes
    const found = await serving.catch((error: Error) => error);
    if (found instanceof Error) return { error: found, statuses: [], reply: "", conn: { isClosed: true } };
    const { server, peer } = found;
    peer.ended.then(() => peer.end(), () => {});
    peer.write(request);
    const result = await opened.promise.catch((error: Error) => error);
    await socketsSettled();
    const reply = peer.take(), statuses = statusesOf(reply), conn = { isClosed: peer.hasEnded };
    if (!(result instanceof Error)) result.abort();
    peer.abort();
    await server.shutdown();
    return { ...(result instanceof Error ? { error: result } : { accepted: result }), statuses, reply, conn };
  },
  async feed(_role, bytes, maxMessageSize) {
    const messages: (string | Uint8Array)[] = [], ended = Promise.withResolvers<WebSocketError | undefined>();
    const handler = (socket: Accepted) =>
      socket.receive((message) => void messages.push(message)).then(() => ended.resolve(undefined), ended.resolve);
    const { server, peer } = await served(handler, { maxMessageSize });
    peer.write(upgrade());
    await peer.until("\r\n\r\n");
    peer.write(bytes);
    peer.end(); // by which the server has read all of it
    const failure = (await ended.promise)?.failure;
    await peer.ended.catch(() => {});
    const closeCode = peer.frames("server").find(({ close }) => close)?.close;
    await server.shutdown();
    return { messages, closeCode, failure };
  },
};

export const DOORS: readonly Door[] = [inMemory, overSocket];

/** The failure and the only status that a request is answered with; the connection is closed behind them. */
export async function refusal(
  serving: Promise<Served>,
): Promise<[failure: string, status: number | undefined]> {
  const { error, statuses, conn, reply } = await serving;
  assertInstanceOf(error, HandshakeError, reply);
  assertEquals([statuses.length, conn.isClosed, error.reusable, error.rest.length], [1, true, false, 0]);
  return [error.failure, statuses[0]];
}
