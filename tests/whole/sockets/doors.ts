// The ways to a connection that the tests over sockets go: each row of the table is put through all of them.

import {
  accept,
  type Accepted,
  type AcceptOptions,
  attach,
  type AttachOptions,
  type ByteConnection,
  connect,
  HandshakeError,
  type HandshakeFailure,
  type WebSocketConnection,
} from "../../../mod.ts";
import { latin1 } from "../../kit/harness.ts";
import { serving } from "../../kit/serving.ts";
import { dial, dialRaw, listen, type RawConn, rawPair, streamsOf } from "../../kit/tcp.ts";
import { MIB, UPGRADE } from "./common.ts";

export type Role = "server" | "client";

/** A WebSocket of ours, and its peer by hand. Both are given up in the end. */
export interface Pair extends AsyncDisposable {
  readonly peer: RawConn;
  readonly ours: WebSocketConnection;
}

/** A server of ours. In the end it listens no more, and its connections and handlers are done. */
export interface Serving extends AsyncDisposable {
  readonly port: number;
  /** What handshakes have failed with. */
  readonly failures: readonly HandshakeError[];
}

/** One way. */
export interface Door {
  /** What a connection is on. */
  readonly name: string;
  /** The roles of ours that it knows. */
  readonly roles: readonly Role[];
  /** What it tells of a client that has asked for nothing in time. */
  readonly silent: readonly HandshakeFailure[];
  /** Less than this is taken by kernels and by us, in bytes, while nobody reads. */
  readonly bound: number;
  /** Opens a WebSocket. */
  open(role: Role, options?: Omit<AttachOptions, "role" | "protocol" | "extensions">): Promise<Pair>;
  /** Serves. */
  serve(options: AcceptOptions, handler: (socket: Accepted) => unknown): Promise<Serving>;
  /** Connects to a server. */
  connect(url: string): Promise<WebSocketConnection>;
}

/** The doors that are given a connection: it as it is, or something that is made of it. */
export function given(name: string, form: (conn: ByteConnection) => ByteConnection): Door {
  return {
    name,
    roles: ["server", "client"],
    silent: ["handshake-timeout"],
    // Kernels take up to 4 MiB to send, and little to receive for somebody who has not read yet
    bound: 8 * MIB,
    async open(role, options) {
      const [peer, conn] = await rawPair();
      const ours = attach(form(conn), { role, protocol: "", extensions: "" }, options);
      return { peer, ours, [Symbol.asyncDispose]: () => Promise.resolve(giveUp(peer, ours)) };
    },
    async serve(options, handler) {
      const listener = await listen(), failures: HandshakeError[] = [], running: Promise<unknown>[] = [];
      const run = async (conn: ByteConnection) => {
        try {
          await handler(await accept(form(conn), options));
        } catch (error) {
          if (!(error instanceof HandshakeError)) throw error;
          failures.push(error);
        }
      };
      const accepting = (async () => {
        for await (const conn of listener) running.push(run(conn));
      })();
      return {
        port: listener.port,
        failures,
        async [Symbol.asyncDispose]() {
          listener.close();
          await accepting;
          await Promise.all(running);
        },
      };
    },
    connect: async (url) => await connect(url, { conn: form(await dial(Number(new URL(url).port))) }),
  };
}

/** The door that listens itself, and hands out what it has accepted. */
const serveDoor: Door = {
  name: "a socket of serve()",
  roles: ["server"],
  silent: [],
  // Who has read a handshake is given a larger window: Linux has taken 5 MiB to receive beside 4 to send
  bound: 16 * MIB,
  async open(_role, options = {}) {
    const opened = Promise.withResolvers<Accepted>();
    const server = await serving((socket) => opened.resolve(socket), options);
    const peer = await dialRaw(server.port);
    await peer.write(latin1(UPGRADE));
    const ours = await opened.promise;
    await readHead(peer);
    return {
      peer,
      ours,
      async [Symbol.asyncDispose]() {
        giveUp(peer, ours);
        await server.shutdown();
      },
    };
  },
  async serve(options, handler) {
    const failures: HandshakeError[] = [];
    const onError = (error: unknown) => {
      if (error instanceof HandshakeError) failures.push(error);
      else throw error;
    };
    const server = await serving(handler, { ...options, onError });
    return { port: server.port, failures, [Symbol.asyncDispose]: () => server.shutdown() };
  },
  connect: (url) => connect(url),
};

export const DOORS: readonly Door[] = [
  given("a socket of the runtime", (conn) => conn),
  given("a pair of streams", streamsOf),
  serveDoor,
];

function giveUp(peer: RawConn, ours: WebSocketConnection): void {
  ours.abort();
  peer.close();
}

/** Reads the head of a response, and nothing behind it: no frame has been sent. */
async function readHead(peer: RawConn): Promise<void> {
  const chunk = new Uint8Array(4096);
  for (let head = ""; !head.endsWith("\r\n\r\n");) {
    const count = await peer.read(chunk);
    if (count === null) throw new Error(`The server has ended after ${JSON.stringify(head)}`);
    head += String.fromCharCode(...chunk.subarray(0, count));
  }
}
