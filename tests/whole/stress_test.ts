// Random handshakes: clients that stop, leave or send anything, policies and bodies that are late, hang or fail, and a
// signal that aborts in between, over memory, plain streams and real sockets. Whatever happens, every promise settles, none
// is rejected without a handler, and no connection, timer, listener or body is left behind. FUZZ_SEED has a run come again,
// as far as sockets do; FUZZ_TIMES makes it longer.

import { assert, assertEquals } from "@std/assert";
import { readdirSync } from "node:fs";
import { inspect } from "node:util";
import process from "node:process";
import {
  accept,
  type AcceptOptions,
  type ByteConnection,
  type Clock,
  connect,
  HandshakeError,
  type ReadRequest,
  readRequest,
  WebSocketError,
  writeResponse,
} from "../../mod.ts";
import { nextTurn, systemClock } from "../../src/base/clock.ts";
import { connectionPair, type PairedConnection } from "../../src/testing.ts";
import { upgrade } from "../cases/requests_base.ts";
import { handlingAll, latin1, random, test } from "../kit/harness.ts";
import { countedSignal } from "../kit/raw_peer.ts";
import { oursPair, type RawConn, rawPair, streamsOf } from "../kit/tcp.ts";

const seed = Number(process.env.FUZZ_SEED ?? crypto.getRandomValues(new Uint32Array(1))[0]);
const times = Number(process.env.FUZZ_TIMES ?? 1);

/** How many handshakes are under way at once. */
const AT_ONCE = 16;

/** How long a handshake may take before it hangs: every limit of its own is far below. */
const PATIENCE = 30_000;

const turn = () => new Promise<void>((resolve) => nextTurn(resolve));

/** What the application does wrong on purpose. */
class Mistake extends Error {}

/** The peer by hand, over whatever it is that connects the two. */
interface Hand {
  write(bytes: Uint8Array): Promise<void>;
  /** Gives `undefined` at the end, and rejects when the connection is lost. */
  read(): Promise<Uint8Array | undefined>;
  /** Half-closes. */
  end(): Promise<void>;
  reset(): void;
  close(): void;
}

function handOfPair(conn: PairedConnection): Hand {
  const reader = conn.readable.getReader(), writer = conn.writable.getWriter();
  for (const { closed } of [reader, writer]) closed.catch(() => {});
  return {
    write: (bytes) => writer.write(bytes),
    read: async () => (await reader.read()).value,
    end: () => writer.close(),
    reset: () => conn.reset(new Error("The peer has reset the connection")),
    close: () => conn.reset(),
  };
}

function handOfSocket(raw: RawConn): Hand {
  const buffer = new Uint8Array(65536);
  return {
    write: (bytes) => raw.write(bytes),
    read: async () => {
      const count = await raw.read(buffer);
      return count === null ? undefined : buffer.slice(0, count);
    },
    end: () => raw.closeWrite(),
    reset: () => raw.reset(),
    close: () => raw.close(),
  };
}

/** One handshake, and everything that it must not leave behind. */
class Case {
  readonly next: () => number;
  readonly timers = new Set<unknown>();
  /** More than what connects the two holds; in memory, read in small chunks, much more would take the turn of all others. */
  #large = 2_000_000;
  /** Bodies that were handed over and are neither read to their end nor cancelled. */
  readonly bodies = new Set<string>();
  readonly log: string[] = [];
  readonly mistake = new Mistake("a mistake of the application's");
  readonly reason = new Error("The signal was aborted");
  readonly signal = countedSignal();
  readonly clock: Clock = {
    now: () => systemClock.now(),
    setTimeout: (callback, delay) => {
      const timer = systemClock.setTimeout(() => {
        this.timers.delete(timer);
        callback();
      }, delay);
      this.timers.add(timer);
      return timer;
    },
    clearTimeout: (timer) => {
      this.timers.delete(timer);
      systemClock.clearTimeout(timer);
    },
  };

  constructor(seed: number) {
    this.next = random(seed);
  }

  below(limit: number): number {
    return this.next() % limit;
  }

  chance(one: number): boolean {
    return this.below(one) === 0;
  }

  /** One of these, which is written down. */
  pick<T>(what: string, choices: Readonly<Record<string, T>>): T {
    const names = Object.keys(choices), name = names[this.below(names.length)]!;
    this.log.push(`${what}: ${name}`);
    return choices[name]!;
  }

  /** Waits for some microtasks or some turns of the event loop. */
  async wait(): Promise<void> {
    if (this.chance(2)) { for (let count = this.below(12); count > 0; count--) await Promise.resolve(); }
    else for (let count = this.below(6); count > 0; count--) await turn();
  }

  async #until(stop: "hang" | "reject", signal: AbortSignal): Promise<never> {
    const { promise, reject } = Promise.withResolvers<never>();
    if (stop === "reject") signal.addEventListener("abort", () => reject(this.mistake));
    return await promise;
  }

  /** A body that comes at once or in pieces, ends, fails, or goes on until it is cancelled. */
  body(): BodyInit | null {
    const size = [1, 1000, 70_000, this.#large][this.below(4)]!;
    return this.pick<() => BodyInit | null>("body", {
      none: () => null,
      text: () => "No",
      bytes: () => new Uint8Array(size),
      "stream that ends": () => this.#stream(size, 1 + this.below(4), "close"),
      "stream that fails": () => this.#stream(size, this.below(4), "error"),
      "long piece, and a failure": () => this.#stream(this.#large, 1, "error"),
      "stream of strings": () => this.#stream(size, this.below(3), "wrong"),
      "stream that stops": () => this.#stream(size, this.below(3), "stop"),
      "long stream": () => this.#stream(70_000, 30, "close"),
    })();
  }

  #stream(size: number, count: number, end: "close" | "error" | "wrong" | "stop"): ReadableStream {
    const name = `${count} × ${size}, ${end}`, waits = this.chance(2), failsToCancel = this.chance(4);
    this.bodies.add(name);
    let left = count;
    return new ReadableStream({
      pull: async (controller) => {
        if (waits) await this.wait();
        if (left-- > 0) return controller.enqueue(new Uint8Array(size));
        if (end === "wrong") return controller.enqueue("a string");
        if (end === "stop") return await new Promise(() => {});
        this.bodies.delete(name);
        if (end === "close") controller.close();
        else controller.error(this.mistake);
      },
      cancel: () => {
        this.bodies.delete(name);
        if (failsToCancel) throw this.mistake;
      },
    });
  }

  authorize(): AcceptOptions["authorize"] {
    const answer = () => {
      const headers: Record<string, string> = this.chance(6) ? { "content-length": String(this.below(70_000)) } : {};
      if (this.chance(8)) headers.connection = "close";
      return new Response(this.body(), { status: 200 + this.below(300), headers: new Headers(headers) });
    };
    const refuse = () => {
      for (;;) {
        try {
          return answer();
        } catch {
          this.bodies.clear(); // a 204 with a body
        }
      }
    };
    return this.pick<AcceptOptions["authorize"]>("authorize", {
      none: undefined,
      lets: () => undefined,
      "lets late": async () => (await this.wait(), undefined),
      refuses: refuse,
      "refuses late": async () => (await this.wait(), refuse()),
      "refuses later": async () => (await this.wait(), await this.wait(), refuse()),
      throws: () => {
        throw this.mistake;
      },
      "rejects late": async () => {
        await this.wait();
        throw this.mistake;
      },
      hangs: (_, { signal }) => this.#until("hang", signal),
      "hangs until it is told": (_, { signal }) => this.#until("reject", signal),
    });
  }

  options(): AcceptOptions {
    const fail = () => {
      throw this.mistake;
    };
    return {
      clock: this.clock,
      signal: this.signal.signal,
      handshakeTimeout: [1, 5, 20, 200][this.below(4)],
      closeTimeout: [1, 5, 20, 200][this.below(4)],
      keepAlive: this.chance(3),
      compression: this.chance(2),
      authorize: this.authorize(),
      headers: this.chance(2) ? undefined : this.pick<AcceptOptions["headers"]>("headers", {
        fields: { "x-a": "1" },
        function: ({ headers }) => headers.set("x-a", "1"),
        throws: fail,
        forbidden: ({ headers }) => headers.set("connection", "x"),
        asynchronous: (async () => {}) as () => void,
      }),
      protocols: this.chance(2) ? undefined : this.pick<AcceptOptions["protocols"]>("protocols", {
        list: ["chat"],
        function: ([first]) => first,
        throws: fail,
        "not offered": () => "other",
      }),
    };
  }

  /** What a client writes. */
  request(): Uint8Array {
    const valid = upgrade(this.chance(2) ? { "Sec-WebSocket-Protocol": "chat" } : {});
    if (this.chance(2)) return latin1(valid);
    const bytes = latin1(this.pick("request", {
      "upgrade and a frame": valid + "\x81\x80\0\0\0\0",
      expectant: upgrade({ Expect: "100-continue" }),
      refusable: upgrade({ "Sec-WebSocket-Version": "8" }),
      "with a body": upgrade({ "Content-Length": "100000" }) + "x".repeat(100_000),
      page: "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
      old: "GET / HTTP/1.0\r\n\r\n",
      post: "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n0\r\n\r\n",
      "post that stops": "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 70000\r\n\r\nHello",
      malformed: "GET\r\n\r\n",
      nothing: "",
    }));
    return this.chance(5) ? bytes.subarray(0, this.below(bytes.length + 1)) : bytes;
  }

  /** A client by hand. */
  async client(hand: Hand): Promise<void> {
    await this.writes(hand, this.request());
  }

  /** Writes in pieces, and then leaves at some time, in some way, or waits for the other end. */
  async writes(hand: Hand, bytes: Uint8Array): Promise<void> {
    const pieces = 1 + this.below(4), size = Math.ceil(bytes.length / pieces), at = this.below(pieces + 2);
    const leave = this.chance(3) ? this.pick("leaves by", { reset: "reset", end: "end" }) : "";
    const isSlow = this.chance(2);
    try {
      for (let piece = 0; piece < pieces + 2; piece++) {
        if (leave === "reset" && piece === at) return hand.reset();
        if (leave === "end" && piece === at) break;
        const part = bytes.subarray(size * piece, size * (piece + 1));
        if (part.length > 0) await hand.write(part);
        await this.wait();
      }
      if (leave === "end") await hand.end();
      if (isSlow) { for (let count = 20; count > 0; count--) await turn(); }
      while (await hand.read());
      if (leave === "") await hand.end();
    } catch {
      // The other end has closed
    }
    hand.close();
  }

  /** The server: accept() alone, or after readRequest(), or an HTTP response. */
  async server(conn: ByteConnection): Promise<unknown> {
    const options = this.options(), { clock, signal } = options;
    const opened = async (opening: Promise<{ abort(): void; closed: Promise<unknown> }>) => {
      const socket = await opening;
      await this.wait();
      socket.abort();
      await socket.closed.catch((error) => assert(error instanceof WebSocketError));
    };
    if (this.chance(2)) return await opened(accept(conn, options));
    let read: ReadRequest | undefined;
    try {
      read = await readRequest(conn, { clock, signal, timeout: options.handshakeTimeout });
    } catch (error) {
      if (!(error instanceof HandshakeError && error.response)) throw error;
      return await writeResponse(conn, error.response, { clock, signal, timeout: options.closeTimeout });
    }
    if (!read) return;
    const { request, rest: prefix, keepAlive } = read;
    if (this.chance(2)) return await opened(accept(conn, { ...options, request, prefix }));
    const response = new Response(this.body());
    return await writeResponse(conn, response, { clock, signal, request, keepAlive, timeout: options.closeTimeout });
  }

  /** The other end by connect(), which may be given up, too. */
  async connects(conn: ByteConnection): Promise<void> {
    const { signal } = this.signal, { clock } = this;
    const protocols = this.chance(2) ? ["chat"] : [], timeout = () => [1, 5, 20, 200][this.below(4)]!;
    const options = {
      clock,
      signal,
      protocols,
      handshakeTimeout: timeout(),
      closeTimeout: timeout(),
      maxBodySize: 100_000,
    };
    const keepAlive = this.chance(3), compression = this.chance(2);
    try {
      const socket = await connect("ws://localhost/", { ...options, conn, keepAlive, compression });
      await this.wait();
      if (this.chance(2)) socket.abort();
      else socket.close().catch(() => {});
      await socket.closed.catch((error) => assert(error instanceof WebSocketError));
    } catch (error) {
      if (error !== this.reason && !(error instanceof HandshakeError)) throw error;
      if (error instanceof HandshakeError && error.reusable) await discard(conn);
    }
  }

  /** A server by hand: what it answers may be anything. */
  async answers(hand: Hand): Promise<void> {
    const bytes = latin1(this.pick("response", {
      switching: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
      refusal: "HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nHello",
      "chunked refusal": "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n0\r\n\r\n",
      "refusal that stops": "HTTP/1.1 403 Forbidden\r\nContent-Length: 70000\r\n\r\nHello",
      "refusal without a length": "HTTP/1.1 403 Forbidden\r\n\r\n" + "x".repeat(200_000),
      redirect: "HTTP/1.1 302 Found\r\nLocation: /there\r\n\r\n",
      interim: "HTTP/1.1 103 Early Hints\r\n\r\n",
      malformed: "HTTP\r\n\r\n",
      nothing: "",
    }));
    await this.writes(hand, bytes);
  }

  /** One connection: memory, plain streams or a socket. */
  async connection(): Promise<{ ours: ByteConnection; peer: () => Promise<void>; isClosed: () => boolean }> {
    const by = this.pick("peer", {
      hand: "hand",
      "another hand": "hand",
      "connect()": "connect",
      "a server by hand": "server",
    });
    const isPlain = this.pick("as", { "it is": false, "plain streams": true }),
      plainly = (conn: ByteConnection) => isPlain ? streamsOf(conn) : conn;
    if (this.pick("over", { memory: false, "a socket": true })) {
      if (by === "connect") {
        const [near, far] = await oursPair();
        return { ours: plainly(near), peer: () => this.connects(far), isClosed: () => true };
      }
      const [raw, ours] = await rawPair(), hand = handOfSocket(raw);
      if (by === "hand") return { ours: plainly(ours), peer: () => this.client(hand), isClosed: () => true };
      return { ours: plainly(ours), peer: () => this.answers(hand), isClosed: () => true };
    }
    const fault = {
      end: this.below(2) as 0 | 1,
      operation: this.pick<"read" | "write">("fault", { read: "read", write: "write" }),
      nth: 1 + this.below(12),
    } as const;
    const chunkSize = [10, 100, 1000, Infinity][this.below(4)], highWaterMark = [1, 1000, 65536][this.below(3)];
    this.#large = 200_000;
    const [near, far] = connectionPair({ chunkSize, highWaterMark, fault: this.chance(4) ? fault : undefined });
    const isClosed = () => near.isClosed && (by !== "connect" || far.isClosed);
    const peer = by === "connect"
      ? () => this.connects(far)
      : by === "hand"
      ? () => this.client(handOfPair(far))
      : () => this.answers(handOfPair(far));
    return { ours: plainly(near), peer, isClosed };
  }

  /** Runs one, and checks what is left; gives how it came out. */
  async run(): Promise<string> {
    const { ours, peer, isClosed } = await this.connection();
    const isClient = this.log[0] === "peer: a server by hand";
    const { controller } = this.signal;
    if (this.chance(4)) {
      this.log.push("aborts");
      this.wait().then(() => this.wait()).then(() => controller.abort(this.reason));
    }
    const enough = setTimeout(() => controller.abort(this.reason), 400); // for a body that a page waits for
    let outcome = "ok";
    const serving = isClient ? this.connects(ours) : this.server(ours).then(async (isKept) => {
      if (isKept === true) await discard(ours);
    }, async (error) => {
      outcome = (error as Error).constructor.name;
      const known = error === this.reason || error === this.mistake || error instanceof TypeError;
      assert(known || error instanceof HandshakeError, inspect(error));
      if (error instanceof HandshakeError && error.reusable) await discard(ours);
    });
    await Promise.all([
      serving.then(() => this.log.push("ours has ended")),
      peer().then(() => this.log.push("the peer has ended")),
    ]);
    clearTimeout(enough);
    for (let count = 20; count > 0 && !this.isClean(isClosed); count--) await turn();
    assertEquals([isClosed(), this.timers.size, this.signal.listeners(), ...this.bodies], [true, 0, 0]);
    return outcome;
  }

  isClean(isClosed: () => boolean): boolean {
    return isClosed() && this.timers.size + this.signal.listeners() + this.bodies.size === 0;
  }
}

/** Closes a connection that was given back. */
async function discard(conn: ByteConnection): Promise<void> {
  await accept(conn, { signal: AbortSignal.abort() }).catch(() => {});
}

/** Runs a case; a failure, or one that hangs, names the seed, its number, and what it was. */
async function attempt(i: number): Promise<string> {
  const stress = new Case(seed + i), { promise: hanging, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("It hangs")), PATIENCE);
  try {
    return await Promise.race([stress.run(), hanging]);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${message}\nFUZZ_SEED=${seed}, handshake ${i}: ${stress.log.join("; ")}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

/** The descriptors of this process, where the system tells. */
function descriptors(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
}

/** How many handshakes a test makes: a longer run is more tests, each within the time that a test has. */
const COUNT = 800;

/** Makes random handshakes from one number to another. */
async function run(from: number, to: number): Promise<void> {
  const outcomes = new Map<string, number>();
  await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => attempt(2 ** 31 + i))); // what is loaded lazily is there now
  const before = descriptors();
  let i = from;
  await handlingAll(async () => {
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      while (i < to) {
        const outcome = await attempt(i++);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    }));
    // Sockets that were closed go a few turns later, and other tests, in threads of this process, have their own for a while
    for (let waits = 2000; waits > 0 && descriptors() > before; waits--) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
  assert(descriptors() <= before, `${descriptors() - before} descriptors are left, FUZZ_SEED=${seed}`);
  const name = from === 0 ? "" : `, from ${from} on`;
  console.log(
    `${to - from} handshakes, FUZZ_SEED=${seed}${name}: ${[...outcomes].map(([name, n]) => `${n} ${name}`).join(", ")}`,
  );
  for (const name of ["ok", "HandshakeError", "TypeError", "Mistake"]) assert(outcomes.get(name)! > COUNT / 50, name);
}

for (let round = 0; round < times; round++) {
  const title = "random handshakes all come to an end, and leave nothing behind";
  test(round === 0 ? title : `${title}, round ${round + 1}`, () => run(round * COUNT, (round + 1) * COUNT));
}
