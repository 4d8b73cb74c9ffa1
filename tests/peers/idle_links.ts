// WebSockets of ours through a reverse proxy, each with a peer by hand at the other side that says nothing by itself: it
// answers Pings, and sends none.

import { type Accepted, connect, type ConnectionOptions, serve, type WebSocketConnection } from "../../mod.ts";
import { acceptValue } from "../../src/handshake/accept_value.ts";
import { OPCODE, toward, unhex } from "../cases/frames_base.ts";
import { concat, latin1, text } from "../kit/harness.ts";
import { dialRaw, listenRaw, portOf, type RawConn } from "../kit/tcp.ts";
import { type ReverseProxy, type ReverseProxyOptions, withReverseProxy } from "./reverse_proxies.ts";

/** A role of ours. */
export type Role = "server" | "client";

/** Both ends. */
export interface IdleLink {
  readonly ours: WebSocketConnection;
  readonly peer: IdlePeer;
}

/** Opens connections. */
export type Open = (count: number) => Promise<IdleLink[]>;

/** The peer of an end of this role. */
export class IdlePeer {
  readonly #conn: RawConn;
  readonly #role: Role;
  #unread = new Uint8Array();
  #pings = 0;
  #lost: string | undefined;
  #wake = () => {};

  constructor(conn: RawConn, role: Role) {
    this.#conn = conn;
    this.#role = role;
  }

  /** How many Pings have come. */
  get pings(): number {
    return this.#pings;
  }

  /** How the connection was lost, if it was. */
  get lost(): string | undefined {
    return this.#lost;
  }

  /** Writes a head. */
  async write(...lines: string[]): Promise<void> {
    await this.#conn.write(latin1(lines.concat("", "").join("\r\n")));
  }

  /** Reads a head. */
  async head(): Promise<string> {
    for (;;) {
      const end = text(this.#unread).indexOf("\r\n\r\n");
      if (end >= 0) return text(this.#take(end + 4));
      await this.#read();
    }
  }

  /** Answers every Ping with a Pong (RFC 6455 §5.5.3), until anything else comes, or an end. */
  async answerPings(): Promise<void> {
    const toServer = this.#role === "server", header = toServer ? 2 : 6, write = toward(this.#role);
    try {
      for (;;) {
        while (this.#unread.length < 2) await this.#read();
        const length = this.#unread[1]! & 0x7f;
        while (this.#unread.length < header + length) await this.#read();
        const frame = this.#take(header + length), key = frame.subarray(2, header);
        if (frame[0] !== (0x80 | OPCODE.ping)) throw new Error(`A frame begins with ${frame[0]}`);
        const payload = Array.from(frame.subarray(header), (byte, i) => toServer ? byte : byte ^ key[i % 4]!);
        await this.#conn.write(Uint8Array.from(unhex(write(OPCODE.pong, payload))));
        this.#pings++;
        this.#wake();
      }
    } catch (error) {
      this.#lost = String(error);
      this.#wake();
    }
  }

  /** Waits for so many Pings; rejects when the connection is lost before. */
  async pinged(count: number): Promise<void> {
    while (this.#pings < count) {
      if (this.#lost !== undefined) throw new Error(`Lost after ${this.#pings} Pings: ${this.#lost}`);
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** Closes at once. */
  close(): void {
    this.#conn.close();
  }

  async #read(): Promise<void> {
    const chunk = new Uint8Array(4096), count = await this.#conn.read(chunk);
    if (count === null) throw new Error("The end has come");
    this.#unread = concat(this.#unread, chunk.subarray(0, count));
  }

  #take(count: number): Uint8Array {
    const taken = this.#unread.subarray(0, count);
    this.#unread = this.#unread.slice(count);
    return taken;
  }
}

/** A client by hand, whose request has left. */
export async function request(port: number, fields: Readonly<Record<string, string>> = {}): Promise<IdlePeer> {
  const peer = new IdlePeer(await dialRaw(port), "server");
  await peer.write(
    "GET / HTTP/1.1",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    ...Object.entries({ Host: `127.0.0.1:${port}`, ...fields }).map(([name, value]) => `${name}: ${value}`),
  );
  return peer;
}

/** A server by hand, which has agreed. */
async function agree(conn: RawConn): Promise<IdlePeer> {
  const peer = new IdlePeer(conn, "client"), head = await peer.head();
  const key = /^sec-websocket-key: *(\S+)/im.exec(head)![1]!;
  await peer.write(
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${await acceptValue(key)}`,
  );
  return peer;
}

/** What listens behind a proxy, and how a connection through it is opened. */
interface Behind extends AsyncDisposable {
  readonly port: number;
  open(front: number): Promise<IdleLink>;
}

const LISTEN: Readonly<Record<Role, (options: ConnectionOptions) => Promise<Behind>>> = {
  async server(options) {
    let opened = Promise.withResolvers<Accepted>();
    const server = await serve({ ...options, port: 0 }, (socket) => opened.resolve(socket));
    return {
      port: portOf(server),
      [Symbol.asyncDispose]: () => server.shutdown(),
      async open(front) {
        opened = Promise.withResolvers();
        const [ours, peer] = await Promise.all([opened.promise, request(front)]);
        await peer.head();
        return { ours, peer };
      },
    };
  },
  async client(options) {
    const listener = await listenRaw();
    return {
      port: listener.port,
      [Symbol.asyncDispose]: () => Promise.resolve(listener.close()),
      async open(front) {
        const connecting = connect(`ws://127.0.0.1:${front}/`, options);
        const [ours, peer] = await Promise.all([connecting, listener.accept().then(agree)]);
        return { ours, peer };
      },
    };
  },
};

/** A reverse proxy between ends of ours, all of one role, and peers, while `run` runs; none is left open. */
export async function throughProxy(
  proxy: ReverseProxy,
  role: Role,
  { connection, ...options }: Omit<ReverseProxyOptions, "to"> & { readonly connection: ConnectionOptions },
  run: (open: Open) => Promise<void>,
): Promise<void> {
  await using behind = await LISTEN[role](connection);
  const links: IdleLink[] = [], endings: Promise<unknown>[] = [];
  await withReverseProxy(proxy, { ...options, to: behind.port }, async (front) => {
    try {
      await run(async (count) => {
        while (links.length < count) {
          const link = await behind.open(front);
          links.push(link);
          endings.push(link.ours.closed, link.peer.answerPings());
        }
        return links;
      });
    } finally {
      for (const { ours, peer } of links) {
        ours.abort();
        peer.close();
      }
      await Promise.allSettled(endings);
    }
  });
}
