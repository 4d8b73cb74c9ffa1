// Servers for one WebSocketStream, over TCP and over TLS: one of ours, or one by hand whose every byte is ours.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { accept, type ByteConnection } from "../../mod.ts";
import { acceptValue } from "../../src/handshake/accept_value.ts";
import { type WebOptions, WebSocketStream, type WebSocketStreamInit } from "../../src/stream.ts";
import { latin1, test, text } from "../kit/harness.ts";
import { utf8 } from "../cases/frames_base.ts";
import { listen, streamsOf } from "../kit/tcp.ts";

const pem = (name: string) => readFileSync(join(import.meta.dirname!, `../kit/tls/${name}.pem`), "utf8");
const CERT = { cert: pem("localhost"), key: pem("localhost.key") };

/** Opens a stream to the server of this test. */
export type Open = (init?: WebSocketStreamInit, options?: WebOptions) => WebSocketStream;

/** Registers a test twice, for ws and wss: a server for one connection, and what its client does. */
export function testBoth(
  name: string,
  serveOne: (conn: ByteConnection) => Promise<unknown>,
  run: (open: Open) => Promise<void>,
): void {
  for (const scheme of ["ws", "wss"]) {
    test(`${scheme}: ${name}`, async () => {
      using listener = await listen(scheme === "wss" ? { tls: CERT } : {});
      const serving = listener.accept().then(serveOne);
      serving.catch(() => {}); // where the client fails first, its error is told
      const tls: WebOptions = scheme === "wss" ? { caCerts: [pem("ca")] } : {};
      const url = `${scheme}://127.0.0.1:${listener.port}/`;
      await run((init, options) => new WebSocketStream(url, init, { ...tls, ...options }));
      await serving;
    });
  }
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
