// Servers for tests, and clients that speak HTTP to them by hand: what goes over one connection is known exactly.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ByteConnection, ServeErrorContext, ServeHandlers, ServeOptions, Server } from "../../mod.ts";
import { serve } from "../../mod.ts";
import { afterIO } from "../../src/base/clock.ts";
import { latin1, text } from "./harness.ts";
import { RawPeer } from "./raw_peer.ts";
import { dial, dialRaw, portOf, type RawConn, streamsOf } from "./tcp.ts";

/** An error that a server has told of. */
export interface Told {
  readonly error: unknown;
  readonly context: ServeErrorContext;
}

/** A server on a free port, and the errors that it tells of. */
export async function serving(
  handlers: ServeHandlers | ServeHandlers["socket"],
  options: ServeOptions = {},
): Promise<Server & { readonly told: readonly Told[]; readonly port: number }> {
  const told: Told[] = [];
  const where = options.unix === undefined ? { port: 0 } : {};
  const server = await serve({
    ...where,
    onError: (error, context) => void told.push({ error, context }),
    ...options,
  }, handlers);
  const port = server.addr.transport === "unix" ? 0 : portOf(server);
  return Object.assign(server, { told, port });
}

/** A server, and a peer by hand that has connected to it over a socket. */
export async function served(
  handlers: ServeHandlers | ServeHandlers["socket"],
  options: ServeOptions = {},
): Promise<{ readonly server: Server; readonly peer: RawPeer<ByteConnection> }> {
  const server = await serve({ port: 0, ...options }, handlers);
  return { server, peer: new RawPeer(streamsOf(await dial(portOf(server)))) };
}

/** Waits until what one end of a socket in this process has written was read, and answered, by the other. */
export function socketsSettled(): Promise<void> {
  return new Promise((resolve) => void afterIO(8, resolve));
}

/** The handler of an echo. */
export const echo: ServeHandlers["socket"] = (socket) => socket.receive((message) => socket.send(message));

/** A request; the fields of an upgrade are added where `isUpgrade` asks for them. */
export function request(target: string, fields: Record<string, string> = {}, method = "GET", body = ""): string {
  const lines = Object.entries({ Host: "localhost", ...fields }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}

/** The fields of an upgrade (RFC 6455 §1.3). */
export const UPGRADE_FIELDS: Readonly<Record<string, string>> = {
  "Upgrade": "websocket",
  "Connection": "Upgrade",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version": "13",
};

/** A response, read by hand. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** A connection to a server. */
export class HandClient implements Disposable {
  readonly conn: RawConn;
  #unread = "";

  constructor(conn: RawConn) {
    this.conn = conn;
  }

  static async open(port: number): Promise<HandClient> {
    return new HandClient(await dialRaw(port));
  }

  write(bytes: string | Uint8Array): Promise<void> {
    return this.conn.write(typeof bytes === "string" ? latin1(bytes) : bytes);
  }

  /** Text up to where `end` says; `undefined` is not yet. */
  async until(end: (read: string) => number | undefined): Promise<string> {
    const chunk = new Uint8Array(65536);
    for (;;) {
      const at = end(this.#unread);
      if (at !== undefined) {
        const read = this.#unread.slice(0, at);
        this.#unread = this.#unread.slice(at);
        return read;
      }
      const count = await this.conn.read(chunk);
      if (count === null) throw new Error(`The server has ended after ${JSON.stringify(this.#unread)}`);
      this.#unread += text(chunk.subarray(0, count));
    }
  }

  /** A response with a Content-Length, or without a body. */
  async reply(): Promise<Reply> {
    const head = await this.until((read) => read.includes("\r\n\r\n") ? read.indexOf("\r\n\r\n") + 4 : undefined);
    const [start = "", ...lines] = head.trimEnd().split("\r\n");
    const headers = new Headers(lines.map((line): [string, string] => {
      const at = line.indexOf(":");
      return [line.slice(0, at), line.slice(at + 1).trim()];
    }));
    const length = Number(headers.get("content-length"));
    const body = await this.until((read) => read.length < length ? undefined : length);
    return { status: Number(start.slice(9, 12)), headers, body };
  }

  /** What comes up to the server's end. */
  async rest(): Promise<string> {
    const chunk = new Uint8Array(65536);
    for (let count; (count = await this.conn.read(chunk)) !== null;) this.#unread += text(chunk.subarray(0, count));
    return this.#unread;
  }

  [Symbol.dispose](): void {
    this.conn.close();
  }
}

/** A certificate of the kit, as text. */
export function pem(name: string): Promise<string> {
  return readFile(join(import.meta.dirname!, `tls/${name}.pem`), "utf8");
}
