// Servers for one WebSocketStream or WebSocket, over TCP and over TLS: one of ours, or one by hand whose every byte is ours.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { accept, type ByteConnection } from "../../mod.ts";
import { acceptValue } from "../../src/handshake/accept_value.ts";
import { type WebOptions, WebSocketStream, type WebSocketStreamInit } from "../../src/stream.ts";
import { type CloseEvent, WebSocket, type WebSocketEventMap, type WebSocketInit } from "../../src/websocket.ts";
import { concat, latin1, test, text } from "../kit/harness.ts";
import { utf8 } from "../cases/frames_base.ts";
import { readFrames } from "../kit/raw_peer.ts";
import { listen, streamsOf } from "../kit/tcp.ts";

const pem = (name: string) => readFileSync(join(import.meta.dirname!, `../kit/tls/${name}.pem`), "utf8");
const CERT = { cert: pem("localhost"), key: pem("localhost.key") };

/** Opens a stream to the server of this test. */
export type Open = (init?: WebSocketStreamInit, options?: WebOptions) => WebSocketStream;

/** A server for one connection. */
export type ServeOne = (conn: ByteConnection) => Promise<unknown>;

/** Registers a test twice, for ws and wss: a server for one connection, and what its client does. */
function testAt(name: string, serveOne: ServeOne, run: (url: string, options: WebOptions) => Promise<void>): void {
  for (const scheme of ["ws", "wss"]) {
    test(`${scheme}: ${name}`, async () => {
      using listener = await listen(scheme === "wss" ? { tls: CERT } : {});
      const serving = listener.accept().then(serveOne);
      serving.catch(() => {}); // where the client fails first, its error is told
      await run(`${scheme}://127.0.0.1:${listener.port}/`, scheme === "wss" ? { caCerts: [pem("ca")] } : {});
      await serving;
    });
  }
}

/** {@linkcode testAt} for a stream. */
export function testBoth(name: string, serveOne: ServeOne, run: (open: Open) => Promise<void>): void {
  testAt(name, serveOne, (url, tls) => {
    return run((init, options) => new WebSocketStream(url, init, { ...tls, ...options }));
  });
}

/** Opens a WebSocket to the server of this test. */
export type OpenSocket = (
  protocols?: string | Iterable<string> | WebSocketInit | null,
  at?: string,
  ...third: unknown[]
) => WebSocket;

/** {@linkcode testAt} for a WebSocket. */
export function testSocket(
  name: string,
  serveOne: ServeOne,
  run: (open: OpenSocket, url: string) => Promise<void>,
): void {
  testAt(name, serveOne, (url, tls) => {
    return run((second, at = url, ...third) => {
      if (third.length === 0) return new WebSocket(at, second, tls);
      const bag = { protocols: second as Iterable<string> | undefined, ...tls }; // the third place is taken
      return new WebSocket(at, tls.caCerts ? bag : second, third[0] as WebOptions);
    }, url);
  });
}

/** The next event of a type. */
export function next<Type extends keyof WebSocketEventMap>(
  socket: WebSocket,
  type: Type,
): Promise<WebSocketEventMap[Type]> {
  return new Promise((resolve) => socket.addEventListener(type, resolve, { once: true }));
}

/** Waits for the end, which must be a clean one. */
export async function cleanly(socket: WebSocket): Promise<CloseEvent> {
  const event = await next(socket, "close");
  if (!event.wasClean || socket.readyState !== 3) throw new Error(`Closed with ${event.code}, at ${socket.readyState}`);
  return event;
}

/** A server by hand that answers a Close frame with the same code and reason. */
export async function closeBack(conn: ByteConnection): Promise<void> {
  const peer = await HandPeer.opened(conn);
  await peer.closeBack();
}

/** Sends everything back. */
export async function echo(conn: ByteConnection): Promise<void> {
  const socket = await accept(conn);
  await socket.receive((message) => socket.send(message));
}

/** A server by hand. */
export class HandPeer {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  /** The request, up to the empty line. */
  head = "";

  constructor(conn: ByteConnection) {
    const { readable, writable } = streamsOf(conn);
    this.#reader = readable.getReader();
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(() => {});
  }

  /** Reads the request. */
  static async asked(conn: ByteConnection): Promise<HandPeer> {
    const peer = new HandPeer(conn);
    while (!peer.head.endsWith("\r\n\r\n")) peer.head += text((await peer.read())!);
    return peer;
  }

  /** Reads the request and upgrades; nothing more is read. */
  static async opened(conn: ByteConnection): Promise<HandPeer> {
    const peer = await HandPeer.asked(conn);
    const key = /sec-websocket-key: (.*)\r\n/i.exec(peer.head)![1]!;
    const fields = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${await acceptValue(key)}`;
    await peer.write(latin1(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n\r\n`));
    return peer;
  }

  /** The next chunk; `undefined` at the end. */
  async read(): Promise<Uint8Array | undefined> {
    return (await this.#reader.read()).value;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#writer.write(bytes);
  }

  /** Reads frames up to a Close frame; gives it. */
  async closed(): Promise<{ close: number; reason: string }> {
    for (let bytes = new Uint8Array();;) {
      const chunk = await this.read();
      if (!chunk) throw new Error("The client has ended without a Close frame");
      bytes = concat(bytes, chunk);
      const last = readFrames(bytes, "client").at(-1);
      if (last?.close !== undefined) return { close: last.close, reason: last.reason ?? "" };
    }
  }

  /** Answers the Close frame that comes with the same code and reason, and ends. */
  async closeBack(): Promise<void> {
    const { close, reason } = await this.closed();
    await this.close(close === 1005 ? undefined : close, reason);
    await this.finish();
  }

  /** Sends a Close frame (RFC 6455 §5.5.1). */
  async close(closeCode?: number, reason = ""): Promise<void> {
    const code = closeCode === undefined ? [] : [closeCode >> 8, closeCode & 0xff], bytes = [...code, ...utf8(reason)];
    await this.write(Uint8Array.of(0x88, bytes.length, ...bytes));
  }

  /** Reads up to the end, and ends. */
  async drain(): Promise<void> {
    while (await this.read().catch(() => undefined));
    await this.end();
  }

  /** Ends as a server does, which closes first (RFC 6455 §7.1.1), and reads what still comes. */
  async finish(): Promise<void> {
    await this.end();
    await this.drain();
  }

  async end(): Promise<void> {
    await this.#writer.close().catch(() => {});
  }

  /** Gives the connection up. */
  async abort(): Promise<void> {
    await this.#reader.cancel().catch(() => {});
    await this.#writer.abort().catch(() => {});
  }
}
