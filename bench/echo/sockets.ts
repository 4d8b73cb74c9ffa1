// The connections of a load of echoes: they send what they are told to, count what comes back, and fail together. The first
// echoes of each are compared byte by byte, inflated where they are compressed; after that, echoes are counted, by the
// bytes that the first ones took, or by their frames' headers where they differ in size.

import { Buffer } from "node:buffer";
import { constants, inflateRawSync } from "node:zlib";
import { FrameCounter } from "../peers/frame_counter.ts";
import { type BunHandlers, type BunSocket, connect, within } from "../peers/tcp.ts";
import { chromeRequest, concat, endOfHead, parse } from "../peers/wire.ts";
import { compressedRing, plainRing, type Ring } from "./ring.ts";

/** What is sent to a server. */
export interface EchoTraffic {
  readonly port: number;
  readonly connections: number;
  /** Bytes of a message's payload. */
  readonly size: number;
  /** How many messages of a connection are on their way at once. */
  readonly depth: number;
  readonly isText: boolean;
  /** The server echoes bytes, and no handshake is wanted. */
  readonly isRaw: boolean;
  /** Over TLS. */
  readonly isSecure?: boolean;
  /** JSON of about 1 KiB, compressed, with windows that are kept from message to message or are not. */
  readonly compression?: "takeover" | "no takeover";
}

/** A connection. */
export interface Connection {
  readonly index: number;
  /** How many messages were sent, and how many have come back, since the first ones. */
  sent: number;
  done: number;
}

interface State extends Connection {
  /** Takes what comes until the first echoes were compared. */
  first: ((chunk: Uint8Array) => void) | undefined;
  counter: Counter;
  ring: Ring | undefined;
  /** How many messages were written, and how many wait behind what the kernel did not take yet. */
  written: number;
  rest: Uint8Array | undefined;
  owed: number;
}

interface Counter {
  count(chunk: Uint8Array): number;
  readonly isBetween: boolean;
}

/** How long the first echoes may take. */
const PATIENCE_MS = 10_000;
/** What ends a flush, and is left off a message (RFC 7692 §7.2.1). */
const TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

/** All of them. */
export class EchoSockets {
  /** Rejects when a connection is lost, or a server errs. */
  readonly failed: Promise<never>;
  /** How many messages are on their way. */
  onWay = 0;
  readonly #traffic: EchoTraffic;
  readonly #onEchoes: (connection: Connection, count: number) => void;
  readonly #rings = new Map<string, Ring>();
  readonly #sockets: BunSocket<State>[] = [];
  readonly #handlers: BunHandlers<State>;
  #fail: (error: Error) => void;
  #isClosed = false;

  /** `onEchoes` is told how many have come back at once. */
  constructor(traffic: EchoTraffic, onEchoes: (connection: Connection, count: number) => void) {
    this.#traffic = traffic;
    this.#onEchoes = onEchoes;
    const failed = Promise.withResolvers<never>();
    this.failed = failed.promise;
    this.failed.catch(() => {});
    this.#fail = failed.reject;
    const lost = (_: unknown, error?: Error) => {
      if (!this.#isClosed) failed.reject(error ?? new Error("A connection was lost"));
    };
    this.#handlers = {
      open() {},
      data: (socket, chunk) => this.#read(socket, chunk),
      drain: (socket) => this.#drain(socket),
      close: (socket) => lost(socket),
      error: lost,
      connectError: lost,
    };
  }

  get connections(): readonly Connection[] {
    return this.#sockets.map(({ data }) => data);
  }

  /** Opens all of them, and has their first echoes compared. */
  async open(): Promise<void> {
    const opening = Array.from({ length: this.#traffic.connections }, (_, index) => this.#open(index));
    await within(PATIENCE_MS, "the first echoes", Promise.race([Promise.all(opening), this.failed]));
    this.#sockets.sort((a, b) => a.data.index - b.data.index);
  }

  /** Sends so many messages, in one write. */
  send({ index }: Connection, count: number): void {
    const socket = this.#sockets[index]!, state = socket.data;
    state.sent += count;
    this.onWay += count;
    if (state.rest) state.owed += count;
    else this.#sendNow(socket, count);
  }

  /** Throws unless what came back is what was sent, when nothing is on its way any more. */
  check(): void {
    for (const { data: { sent, done, counter } } of this.#sockets) {
      if (sent !== done || !counter.isBetween) throw new Error("More came back than was sent");
    }
  }

  /** Leaves all connections. */
  close(): void {
    this.#isClosed = true;
    for (const socket of this.#sockets) socket.terminate();
  }

  async #open(index: number): Promise<void> {
    const { port, depth, isRaw, isSecure, compression } = this.#traffic, compared = Promise.withResolvers<void>();
    const state: State = {
      index,
      sent: 0,
      done: 0,
      first: undefined,
      counter: new FrameCounter(),
      ring: undefined,
      written: 0,
      rest: undefined,
      owed: 0,
    };
    const { request, accept } = await chromeRequest(port, "/echo", true, compression === "no takeover");
    let came: Uint8Array = new Uint8Array();
    state.first = (chunk) => {
      came = concat([came, chunk]);
      if (!state.ring) {
        const end = endOfHead(came, accept, compression !== undefined);
        if (end < 0) return;
        state.ring = this.#ring(new TextDecoder("latin1").decode(came.subarray(0, end)));
        came = came.subarray(end);
        return this.#sendNow(socket, depth);
      }
      if (!this.#compare(came, state.ring)) return;
      state.first = undefined;
      if (!compression) state.counter = byteCounter(came.length / depth);
      compared.resolve();
    };
    const socket = await connect(port, state, this.#handlers, isSecure);
    this.#sockets.push(socket);
    if (isRaw) {
      state.ring = this.#ring("");
      this.#sendNow(socket, depth);
    } else this.#write(socket, request);
    await compared.promise;
  }

  /** What a connection sends whose server has answered with a head. */
  #ring(head: string): Ring {
    const { compression, isText, size, depth } = this.#traffic;
    const parameters = compression ? /\r\nsec-websocket-extensions:(.*)\r\n/i.exec(head)?.[1] ?? "" : "";
    const ring = this.#rings.get(parameters) ??
      (compression ? compressedRing(parameters) : plainRing(isText, size, depth));
    this.#rings.set(parameters, ring);
    return ring;
  }

  /** Whether these are all of the first echoes; throws when they differ from what was sent. */
  #compare(came: Uint8Array, ring: Ring): boolean {
    const { isRaw, isText, depth, compression } = this.#traffic;
    const expected = isRaw ? ring.batch(0, depth) : concat(ring.payloads.slice(0, depth));
    const parsed = isRaw ? undefined : parse(came, compression !== undefined);
    if (parsed ? parsed.messages.length < depth : came.length < expected.length) return false;
    const parts = parsed?.messages.flatMap(({ payload }) => compression ? [payload, TAIL] : [payload]);
    const bytes = parts ? concat(parts) : came;
    const content = compression ? inflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }) : bytes;
    const isSame = Buffer.compare(content, expected) === 0 &&
      (!parsed || parsed.end === came.length && parsed.messages.length === depth &&
          parsed.messages.every((message) => message.isText === isText));
    if (!isSame) throw new Error("An echo differs from what was sent");
    return true;
  }

  #read(socket: BunSocket<State>, chunk: Uint8Array): void {
    const state = socket.data;
    try {
      if (state.first) return state.first(chunk);
      const count = state.counter.count(chunk);
      if (count === 0) return;
      state.done += count;
      this.onWay -= count;
      this.#onEchoes(state, count);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #sendNow(socket: BunSocket<State>, count: number): void {
    const state = socket.data, ring = state.ring!;
    for (let left = count; left > 0;) {
      const some = Math.min(left, ring.length);
      this.#write(socket, ring.batch(state.written, some));
      state.written += some;
      left -= some;
    }
  }

  #write(socket: BunSocket<State>, bytes: Uint8Array): void {
    const { rest } = socket.data;
    if (rest) return void (socket.data.rest = concat([rest, bytes]));
    const written = Math.max(0, socket.write(bytes));
    if (written < bytes.length) socket.data.rest = bytes.subarray(written);
  }

  #drain(socket: BunSocket<State>): void {
    const state = socket.data, { rest, owed } = state;
    if (!rest) return;
    state.rest = undefined;
    this.#write(socket, rest);
    if (state.rest || owed === 0) return;
    state.owed = 0;
    this.#sendNow(socket, owed);
  }
}

/** Counts echoes of one size: a server may fragment them, but always in the same way. */
function byteCounter(size: number): Counter {
  let bytes = 0;
  return {
    count(chunk) {
      bytes += chunk.length;
      const count = Math.floor(bytes / size);
      bytes -= count * size;
      return count;
    },
    get isBetween() {
      return bytes === 0;
    },
  };
}
