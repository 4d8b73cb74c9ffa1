// The load: raw sockets that send frames which are ready and look at the headers of what comes back. It knows nothing of
// WebSockets but that, so that it is never what is waited for.

import { connect, type Socket } from "node:net";

/** What every connection does. */
export interface Load {
  readonly port: number;
  readonly connections: number;
  /** How many messages are on their way at once. */
  readonly depth: number;
  /** The request, and the frames to send one after the other; after the last one comes `again`, or the end. */
  readonly request: string;
  readonly frames: readonly Uint8Array[];
  /** From which frame on they are sent again. */
  readonly again?: number;
  /** How many messages each connection sends. */
  readonly messages: number;
}

/** What came back. */
export interface Loaded {
  readonly messages: number;
  readonly bytes: number;
  readonly extensions: string;
}

/** Runs a load to its end; the connections stay open until `close`. */
export async function runLoad(
  load: Load,
  idle: (sockets: Socket[]) => Promise<void> = async () => {},
): Promise<Loaded> {
  const clients = Array.from({ length: load.connections }, () => new Client(load));
  await Promise.all(clients.map(({ opened }) => opened));
  await Promise.all(clients.map((client) => client.run()));
  await idle(clients.map(({ socket }) => socket));
  for (const { socket } of clients) socket.destroy();
  return {
    messages: clients.reduce((sum, { received }) => sum + received, 0),
    bytes: clients.reduce((sum, { bytes }) => sum + bytes, 0),
    extensions: clients[0]?.extensions ?? "",
  };
}

class Client {
  readonly socket: Socket;
  readonly opened: Promise<void>;
  received = 0;
  bytes = 0;
  extensions = "";
  readonly #load: Load;
  #sent = 0;
  /** What is missing of the payload, and the beginning of a header. */
  #left = 0;
  #isFinal = true;
  #carry = new Uint8Array();
  #finished = Promise.withResolvers<void>();

  constructor(load: Load) {
    this.#load = load;
    const opened = Promise.withResolvers<void>();
    this.opened = opened.promise;
    this.socket = connect({ port: load.port, host: "127.0.0.1", noDelay: true });
    this.socket.on("error", (error) => {
      opened.reject(error);
      this.#finished.reject(error);
    });
    this.socket.on("close", () => this.#finished.reject(new Error(`Closed after ${this.received} messages`)));
    this.#finished.promise.catch(() => {});
    this.socket.write(load.request);
    let head = "";
    const readHead = (chunk: Uint8Array) => {
      head += new TextDecoder("latin1").decode(chunk);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      if (!head.startsWith("HTTP/1.1 101 ")) return opened.reject(new Error(head));
      this.extensions = /^sec-websocket-extensions: *(.*?) *$/im.exec(head)?.[1] ?? "";
      this.socket.off("data", readHead).on("data", (chunk: Uint8Array) => this.#read(chunk));
      opened.resolve();
      return undefined;
    };
    this.socket.on("data", readHead);
  }

  async run(): Promise<void> {
    if (this.#load.messages === 0) return;
    for (let i = 0; i < this.#load.depth; i++) this.#send();
    await this.#finished.promise;
  }

  #send(): void {
    const { frames, again = 0, messages } = this.#load;
    if (this.#sent === messages) return;
    const at = this.#sent < frames.length ? this.#sent : again + (this.#sent - again) % (frames.length - again);
    this.#sent++;
    this.socket.write(frames[at]!);
  }

  #read(chunk: Uint8Array): void {
    this.bytes += chunk.length;
    let came = 0, at = 0;
    let bytes = chunk;
    if (this.#carry.length > 0) {
      bytes = new Uint8Array(this.#carry.length + chunk.length);
      bytes.set(this.#carry);
      bytes.set(chunk, this.#carry.length);
      this.#carry = new Uint8Array();
    }
    while (at < bytes.length) {
      if (this.#left > 0) {
        const used = Math.min(this.#left, bytes.length - at);
        this.#left -= used;
        at += used;
        if (this.#left === 0 && this.#isFinal) came++;
        continue;
      }
      const short = bytes[at + 1]! & 0x7f, size = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (bytes.length - at < size) {
        this.#carry = bytes.slice(at);
        break;
      }
      const view = new DataView(bytes.buffer, bytes.byteOffset + at);
      this.#left = short === 126 ? view.getUint16(2) : short === 127 ? Number(view.getBigUint64(2)) : short;
      const isControl = (bytes[at]! & 8) !== 0;
      this.#isFinal = bytes[at]! >= 0x80 && !isControl;
      at += size;
      if (this.#left === 0 && this.#isFinal) came++;
    }
    this.received += came;
    for (; came > 0; came--) this.#send();
    if (this.received === this.#load.messages) this.#finished.resolve();
  }
}

/** A client's frame, whose masking key leaves the payload as it is. */
export function frameOf(first: number, payload: Uint8Array): Uint8Array {
  const { length } = payload, size = length < 126 ? 2 : length < 65536 ? 4 : 10;
  const frame = new Uint8Array(size + 4 + length), view = new DataView(frame.buffer);
  frame[0] = first;
  frame[1] = 0x80 | (length < 126 ? length : length < 65536 ? 126 : 127);
  if (size === 4) view.setUint16(2, length);
  else if (size === 10) view.setBigUint64(2, BigInt(length));
  frame.set(payload, size + 4);
  return frame;
}

/** An upgrade request. */
export function requestOf(fields: Readonly<Record<string, string>> = {}): string {
  const all = {
    "Host": "127.0.0.1",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    ...fields,
  };
  return `GET / HTTP/1.1\r\n${Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
}
