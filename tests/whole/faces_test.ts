import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { type Accepted, type CloseInfo, type Message, WebSocketError } from "../../mod.ts";
import { protocolError } from "../../src/errors/websocket_error.ts";
import { Protocol } from "../../src/protocol/protocol.ts";
import { acceptValue } from "../../src/handshake/accept_value.ts";
import { WebSocketStream } from "../../src/stream.ts";
import { type CloseEvent, WebSocket } from "../../src/websocket.ts";
import { connectionPair, fakeClock } from "../../src/testing.ts";
import { type DialogueRow, dialogues, type Sent, type Step } from "../cases/dialogues.ts";
import { hex, unhex } from "../cases/frames_base.ts";
import { concat, test } from "../kit/harness.ts";
import { http2Ends } from "../kit/http2.ts";
import { attached, RawPeer, readFrames, settled, type WireFrame } from "../kit/raw_peer.ts";
import { request, served, socketsSettled, UPGRADE_FIELDS } from "../kit/serving.ts";

/** One way to hold the same conversation. */
interface Face {
  peer(bytes: Uint8Array<ArrayBuffer>): void;
  peerEnds(): void;
  send(message: Message): void;
  ping(payload: Uint8Array<ArrayBuffer>): void;
  close(info: { closeCode?: number; reason?: string }): void;
  /** What we have written since it was last asked for. */
  wire(): WireFrame[];
  /** Whether we have ended our side; `undefined`: this face does not know. */
  hasEnded(): boolean | undefined;
  readonly messages: (string | Uint8Array)[];
  /** Waits until everything has come; in memory that is soon. */
  settle?(): Promise<void>;
  /** Lets go of what it has opened. */
  dispose?(): Promise<void>;
  outcome(): CloseInfo | WebSocketError | undefined;
  /** The event of the end, where the face has one. */
  closeEvent?(): { readonly code: number; readonly reason: string; readonly wasClean: boolean } | undefined;
}

/** How a row ends. */
type Closed = Extract<Step, { expectClosed: unknown }>["expectClosed"];

type MakeFace = (row: DialogueRow) => Face | Promise<Face>;

const machine: MakeFace = ({ role, options }) => {
  const messages: Face["messages"] = [];
  let outcome: CloseInfo | WebSocketError | undefined;
  const protocol = new Protocol({ role, protocol: "", extensions: "" }, {
    message: (message) => void messages.push(copyOf(message)),
    close: (info) => outcome = info,
    fail: (error) => outcome = error,
  }, options);
  return {
    messages,
    peer: (bytes) => protocol.receive(bytes),
    peerEnds: () => outcome ??= protocolError("connection-lost"),
    send: (message) => protocol.send(message),
    ping: (payload) => protocol.ping(payload),
    close: (info) => protocol.close(info),
    wire() {
      const out: Uint8Array[] = [];
      for (let bytes; (bytes = protocol.take());) out.push(bytes.slice());
      return readFrames(concat(...out), role);
    },
    hasEnded: () => undefined,
    outcome: () => outcome,
  };
};

const connection = ({ role, options }: DialogueRow, chunkSize?: number) => {
  const { peer, socket } = attached(role, options, { highWaterMark: Infinity, chunkSize });
  const messages: Face["messages"] = [];
  let outcome: CloseInfo | WebSocketError | undefined;
  socket.closed.then((info) => outcome = info, (error) => outcome = error);
  const common = {
    messages,
    peer: (bytes: Uint8Array<ArrayBuffer>) => peer.write(bytes),
    peerEnds: () => peer.end(),
    ping: (payload: Uint8Array<ArrayBuffer>) => void socket.ping(payload).catch(() => {}),
    wire: () => peer.frames(role),
    hasEnded: () => peer.hasEnded,
    outcome: () => outcome,
  };
  return { socket, common };
};

const direct = (chunkSize?: number): MakeFace => (row) => {
  const { socket, common } = connection(row, chunkSize);
  socket.receive((message) => void common.messages.push(copyOf(message))).catch(() => {});
  return {
    ...common,
    send: (message) => void socket.send(message),
    close: (info) => void socket.close(info).catch(() => {}),
  };
};

const streams: MakeFace = (row) => {
  const { socket, common } = connection(row);
  socket.readable.pipeTo(new WritableStream({ write: (message) => void common.messages.push(message) }))
    .catch(() => {});
  const writer = socket.writable.getWriter();
  writer.closed.catch(() => {});
  return {
    ...common,
    send: (message) => void writer.write(message).catch(() => {}),
    close(info) {
      const isPlain = info.closeCode === undefined && info.reason === undefined;
      const ending = isPlain ? writer.close() : writer.abort(new WebSocketError("", info));
      ending.catch(() => {});
    },
  };
};

/** A connection of serve(), over a socket. */
const ofServer: MakeFace = async ({ options = {} }) => {
  const messages: Face["messages"] = [], opened = Promise.withResolvers<Accepted>();
  const { server, peer } = await served(opened.resolve, { ...options, pingInterval: 0, idleTimeout: 0 });
  peer.write(request("/", UPGRADE_FIELDS));
  await peer.until("\r\n\r\n");
  const socket = await opened.promise;
  let outcome: CloseInfo | WebSocketError | undefined;
  socket.closed.then((info) => outcome = info, (error) => outcome = error);
  socket.receive((message) => void messages.push(copyOf(message))).catch(() => {});
  return {
    messages,
    peer: (bytes) => peer.write(bytes),
    peerEnds: () => peer.end(),
    send: (message) => void socket.send(message),
    ping: (payload) => void socket.ping(payload).catch(() => {}),
    close: (info) => void socket.close(info).catch(() => {}),
    wire: () => peer.frames("server"),
    hasEnded: () => peer.hasEnded,
    outcome: () => outcome,
    settle: socketsSettled,
    async dispose() {
      peer.abort();
      socket.abort();
      await server.shutdown();
    },
  };
};

/** A WebSocket on a stream of HTTP/2, by either face. */
const overHttp2 = (byStreams: boolean): MakeFace => async ({ role, options = {} }) => {
  const ends = await http2Ends(role, { ...options, pingInterval: 0, idleTimeout: 0 }), { ours, far } = ends;
  const messages: Face["messages"] = [], peer = new RawPeer(far);
  let outcome: CloseInfo | WebSocketError | undefined;
  ours.closed.then((info) => outcome = info, (error) => outcome = error);
  const take = (message: string | Uint8Array) => void messages.push(copyOf(message));
  if (byStreams) ours.readable.pipeTo(new WritableStream({ write: take })).catch(() => {});
  else ours.receive(take).catch(() => {});
  return {
    messages,
    peer: (bytes) => peer.write(bytes),
    peerEnds: () => peer.end(),
    send: (message) => void ours.send(message),
    ping: (payload) => void ours.ping(payload).catch(() => {}),
    close: (info) => void ours.close(info).catch(() => {}),
    wire: () => peer.frames(role),
    hasEnded: () => peer.hasEnded,
    outcome: () => outcome,
    settle: socketsSettled,
    async dispose() {
      ours.abort();
      peer.abort();
      await ends[Symbol.asyncDispose]();
    },
  };
};

/** A stream of the web's class, after a handshake in memory. */
const ofWebStream: MakeFace = async ({ options }) => {
  const messages: Face["messages"] = [], [conn, far] = connectionPair({ highWaterMark: Infinity });
  const peer = new RawPeer(far),
    stream = new WebSocketStream("ws://localhost/", {}, { ...options, conn, clock: fakeClock() });
  const head = await peer.until("\r\n\r\n"), accepted = await acceptValue(/-key: (.*)\r\n/i.exec(head)![1]!);
  peer.write(`HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: ${accepted}\r\n\r\n`);
  const { readable, writable } = await stream.opened, writer = writable.getWriter();
  let outcome: CloseInfo | WebSocketError | undefined;
  stream.closed.then((info) => outcome = info, (error) => outcome = error);
  readable.pipeTo(new WritableStream({ write: (message) => void messages.push(message) })).catch(() => {});
  writer.closed.catch(() => {});
  return {
    messages,
    peer: (bytes) => peer.write(bytes),
    peerEnds: () => peer.end(),
    send: (message) => void writer.write(message).catch(() => {}),
    ping: () => {},
    close: (info) => stream.close(info),
    wire: () => peer.frames("client"),
    hasEnded: () => peer.hasEnded,
    outcome: () => outcome,
  };
};

/** A WebSocket of the web's class, after a handshake in memory. */
const ofWebSocket: MakeFace = async ({ options }) => {
  const messages: Face["messages"] = [], [conn, far] = connectionPair({ highWaterMark: Infinity });
  const peer = new RawPeer(far),
    socket = new WebSocket("ws://localhost/", [], { ...options, conn, clock: fakeClock() });
  socket.binaryType = "arraybuffer";
  let outcome: CloseInfo | WebSocketError | undefined;
  socket.onmessage = ({ data }) => void messages.push(typeof data === "string" ? data : new Uint8Array(data));
  socket.onerror = ({ error }) => outcome = error;
  let closeEvent: CloseEvent | undefined;
  socket.onclose = (event) => {
    closeEvent = event;
    if (event.wasClean) outcome = { closeCode: event.code, reason: event.reason };
  };
  const opened = new Promise((resolve) => socket.onopen = resolve);
  const head = await peer.until("\r\n\r\n"), accepted = await acceptValue(/-key: (.*)\r\n/i.exec(head)![1]!);
  peer.write(`HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: ${accepted}\r\n\r\n`);
  await opened;
  return {
    messages,
    peer: (bytes) => peer.write(bytes),
    peerEnds: () => peer.end(),
    send: (message) => socket.send(message),
    ping: () => {},
    close: ({ closeCode, reason }) => socket.close(closeCode, reason),
    wire: () => peer.frames("client"),
    hasEnded: () => peer.hasEnded,
    outcome: () => outcome,
    closeEvent: () => closeEvent,
  };
};

/** Whether the web's classes have what a row needs: they send no Pings, and close with few codes. */
function isForWeb({ role, steps }: DialogueRow): boolean {
  return role === "client" && steps.every((step) => {
    const { closeCode = 1000 } = "close" in step ? step.close : {};
    return !("ping" in step) && (closeCode === 1000 || closeCode >= 3000);
  });
}

function copyOf(message: string | Uint8Array): string | Uint8Array {
  return typeof message === "string" ? message : message.slice();
}

const bytesOf = (digits: string) => Uint8Array.from(unhex(digits));
const messageOf = (message: { text: string } | { binary: string }) =>
  "text" in message ? message.text : bytesOf(message.binary);

/** A frame as the row says it; where no reason is named, any will do. */
function checkSent(actual: readonly WireFrame[], wanted: readonly Sent[]) {
  const adjusted = actual.map((frame, i) => {
    const sent = wanted[i];
    if (!sent || !("close" in sent) || sent.reason !== undefined) return frame;
    const { reason: _any, ...rest } = frame;
    return rest;
  });
  assertEquals(adjusted, wanted.map((sent) => "binary" in sent ? { binary: hex(unhex(sent.binary)) } : sent));
}

/** The peer's Close frame counts; where we fail the connection, or it is lost, it is 1006 (RFC 6455 §7.1.5 and §7.1.7). */
function checkClosed(event: ReturnType<NonNullable<Face["closeEvent"]>>, wanted: Closed, outcome: unknown) {
  assert(event, "an event tells the end");
  const { code, reason, wasClean } = event, isOurs = "error" in wanted && wanted.error !== undefined;
  const { closeCode } = wanted, told = isOurs || closeCode === null ? 1006 : closeCode;
  const wantedReason = isOurs || closeCode === null ? "" : (outcome as CloseInfo).reason;
  assertEquals([code, reason, wasClean], [told, wantedReason, !("error" in wanted)]);
}

async function take(face: Face, step: Step) {
  if ("peer" in step) face.peer(bytesOf(step.peer));
  else if ("peerEnds" in step) face.peerEnds();
  else if ("send" in step) face.send(messageOf(step.send));
  else if ("ping" in step) face.ping(bytesOf(step.ping));
  else if ("close" in step) face.close(step.close);
  await (face.settle?.() ?? settled());
  if ("expectWire" in step) checkSent(face.wire(), step.expectWire);
  if ("expectEnd" in step) assert(face.hasEnded() !== false, "we have ended our side");
  if ("expectMessage" in step) assertEquals(face.messages.shift(), messageOf(step.expectMessage));
  if (!("expectClosed" in step)) return;
  const { expectClosed: wanted } = step, outcome = face.outcome();
  if (face.closeEvent) checkClosed(face.closeEvent(), wanted, outcome);
  if (!("error" in wanted)) return assertEquals(outcome, wanted);
  assertInstanceOf(outcome, WebSocketError);
  assertEquals([outcome.failure, outcome.closeCode], [wanted.error, wanted.closeCode]);
}

const FACES: readonly [name: string, make: MakeFace][] = [
  ["the machine", machine],
  ["the direct face", direct()],
  ["the direct face, byte by byte", direct(1)],
  ["the streams face", streams],
  ["a connection of serve()", ofServer],
  ["WebSocketStream", ofWebStream],
  ["WebSocket", ofWebSocket],
  ["a stream of HTTP/2 by receive()", overHttp2(false)],
  ["a stream of HTTP/2 by readable", overHttp2(true)],
];

for (const row of dialogues) {
  for (const [name, make] of FACES) {
    if (make === ofServer && row.role !== "server") continue;
    if ((make === ofWebStream || make === ofWebSocket) && !isForWeb(row)) continue;
    test(`${name}: ${row.name}`, async () => {
      const face = await make(row);
      for (const [i, step] of row.steps.entries()) {
        try {
          await take(face, step);
        } catch (cause) {
          throw new Error(`Step ${i + 1}, ${JSON.stringify(step).slice(0, 200)}: ${cause}`, { cause });
        }
      }
      assertEquals([face.messages, face.wire()], [[], []], "nothing came that no step expects");
      await face.dispose?.();
    });
  }
}
