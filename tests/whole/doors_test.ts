import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { accept, type Accepted, answer, connect, type Connected, HandshakeError, readRequest } from "../../mod.ts";
import type { ByteConnection, DeflateAgreement, HandshakeFailure } from "../../mod.ts";
import { handshakeFailures } from "../../src/errors/failures.ts";
import { Protocol } from "../../src/protocol/protocol.ts";
import { acceptValue } from "../../src/handshake/accept_value.ts";
import { connectionPair } from "../../src/testing.ts";
import { carried, type CarriedRow } from "../cases/connect_of.ts";
import { hasMethod, requestOf } from "../cases/request_of.ts";
import { type RequestRow, requests } from "../cases/requests.ts";
import { type ResponseRow, responses } from "../cases/responses.ts";
import { concat, latin1, test, text } from "../kit/harness.ts";
import { RawPeer, readFrames, settled, type WireFrame } from "../kit/raw_peer.ts";
import { acceptingHttp2, bodyOn, connectionOf, headOn } from "../kit/http2.ts";
import { served, socketsSettled } from "../kit/serving.ts";

/** Some positions to cut at, both ends included, and those around the end of the head. */
function cuts(length: number, head: number): number[] {
  const quarters = [0, 1, length >> 2, length >> 1, length - 1, length];
  return [...new Set([...quarters, head - 1, head, head + 1])].filter((at) => at >= 0 && at <= length);
}

/** What comes of first frame bytes, by the machine: messages, and frames in answer. */
function outcomeOf(
  rest: Uint8Array,
  role: "server" | "client",
  deflate: DeflateAgreement | undefined,
): { messages: unknown[]; frames: WireFrame[] } {
  const messages: unknown[] = [];
  const protocol = new Protocol({ role, protocol: "", extensions: "", ...(deflate && { deflate }) }, {
    message: (message) => void messages.push(message),
    close() {},
    fail() {},
  });
  protocol.receive(rest.slice());
  const out: Uint8Array[] = [];
  for (let bytes; (bytes = protocol.take());) out.push(bytes.slice());
  return { messages, frames: readFrames(concat(...out), role) };
}

/** The connection has `rest` as its first frame bytes: it answers them as the machine does. */
async function checkRest(
  socket: Accepted | Connected,
  peer: RawPeer<ByteConnection>,
  rest: string,
  role: "server" | "client",
  answered = "",
  settle = settled,
) {
  const messages: unknown[] = [];
  socket.receive((message) => void messages.push(typeof message === "string" ? message : message.slice()))
    .catch(() => {});
  await settle();
  const frames = readFrames(latin1(answered + peer.take()), role);
  assertEquals({ messages, frames }, outcomeOf(latin1(rest), role, socket.deflate));
  socket.abort();
}

interface ReadResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** The next response on the wire; a body goes by its Content-Length. */
function readResponse(wire: string): { response: ReadResponse; rest: string } {
  const end = wire.indexOf("\r\n\r\n");
  assert(end >= 0, `No head in ${JSON.stringify(wire)}`);
  const [start = "", ...lines] = wire.slice(0, end).split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(start)?.[1]);
  const headers = new Headers(lines.map((line) => line.split(/: (.*)/s, 2) as [string, string]));
  const length = Number(headers.get("content-length") ?? 0);
  const body = wire.slice(end + 4, end + 4 + length);
  assertEquals(body.length, length, "the body is as long as Content-Length says");
  return { response: { status, headers, body }, rest: wire.slice(end + 4 + length) };
}

/** The fields are as the row says: each as a member of its list. */
function checkFields(row: RequestRow, headers: Headers) {
  for (const [name, wanted] of Object.entries(row.fields)) {
    const value = headers.get(name);
    // The answer about extensions is one element, and there is nothing beside it
    if (wanted === null || name === "Sec-WebSocket-Extensions") assertEquals(value, wanted, name);
    else assert(value?.split(", ").includes(wanted), `${name} is ${value}, ${wanted} is wanted`);
  }
}

/** The outcome is what the row says, and all of it was on the wire. */
async function checkAccepted(
  row: RequestRow,
  peer: RawPeer<ByteConnection>,
  accepting: Promise<Accepted>,
  settle = settled,
) {
  peer.ended.then(() => peer.end(), () => {});
  const result = await accepting.catch((error: unknown) => error);
  if (row.expect === "upgrade") {
    if (result instanceof Error) throw result;
    const accepted = result as Accepted;
    await settle();
    let wire = peer.take();
    for (const status of row.interim ?? []) {
      const interim = readResponse(wire);
      assertEquals(interim.response.status, status);
      wire = interim.rest;
    }
    const { response, rest: answered } = readResponse(wire);
    assertEquals([response.status, accepted.response.status], [101, 101]);
    checkFields(row, response.headers);
    checkFields(row, accepted.response.headers);
    assertEquals(accepted.protocol, row.fields["Sec-WebSocket-Protocol"] ?? "");
    assertEquals(accepted.extensions, row.fields["Sec-WebSocket-Extensions"] ?? "");
    assertEquals(accepted.deflate, row.deflate);
    if (row.url !== undefined) assertEquals(accepted.request.url, row.url);
    return await checkRest(accepted, peer, row.rest ?? "", "server", answered, settle);
  }
  assertInstanceOf(result, HandshakeError);
  assertEquals(result.failure, row.expect, result.message);
  await peer.ended;
  assertEquals(result.response?.status, row.status);
  if (row.status === undefined) return assertEquals(peer.take(), "");
  const { response, rest } = readResponse(peer.take());
  assertEquals([response.status, rest], [row.status, ""]);
  checkFields(row, response.headers);
  assert(response.headers.get("connection")?.split(", ").includes("close"), "it says that it closes");
  // RFC 9110 §9.3.2: there is no body behind the answer to a HEAD
  assertEquals(response.body.length > 0, !row.bytes.startsWith("HEAD "), "a refusal says why");
}

/** Sends a row as an extended CONNECT, with the first frame bytes behind it. */
async function checkOnStream(
  { row, fields, expect, status, answered = {} }: CarriedRow,
  { client, outcome }: Awaited<ReturnType<typeof acceptingHttp2>>,
) {
  const stream = client.request(fields);
  const head = await headOn(stream);
  assertEquals(head.status, status);
  for (const [name, value] of Object.entries(answered)) {
    assertEquals(head.headers[name.toLowerCase()] ?? null, value, name);
  }
  const peer = expect === "upgrade" ? new RawPeer(connectionOf(stream)) : undefined, result = await outcome();
  if (peer) {
    const accepted: Accepted = result;
    if (accepted instanceof Error) throw accepted;
    assertEquals([accepted.response.status, accepted.protocol], [200, row.fields["Sec-WebSocket-Protocol"] ?? ""]);
    assertEquals([accepted.extensions, accepted.deflate], [answered["Sec-WebSocket-Extensions"] ?? "", row.deflate]);
    if (row.url !== undefined) assertEquals(accepted.request.url, row.url);
    peer.write(latin1(row.rest ?? ""));
    return await checkRest(accepted, peer, row.rest ?? "", "server", "", () => client.settled());
  }
  const body = bodyOn(stream);
  stream.end();
  assertEquals(await body, handshakeFailures[row.expect as HandshakeFailure].sentence + "\n");
  assertEquals([result.failure, result.response?.status], [row.expect, status]);
}

/** An end that is to accept, and a peer that has written. */
function server(written: Uint8Array, closes = false, chunkSize = Infinity) {
  const [far, conn] = connectionPair({ chunkSize, highWaterMark: Infinity });
  const peer = new RawPeer(far);
  peer.write(written);
  if (closes) peer.end();
  return { conn, peer };
}

for (const row of requests) {
  const options = row.options ?? {}, closes = row.closes === true;
  const whole = latin1(row.bytes + (row.rest ?? ""));

  // A client that leaves before it has asked for anything is not told of
  if (row.bytes !== "") {
    test(`serve() ${row.name}`, async () => {
      const opened = Promise.withResolvers<Accepted>();
      const { server, peer } = await served(opened.resolve, { ...options, onError: opened.reject });
      peer.write(whole);
      if (closes) peer.end();
      await checkAccepted(row, peer, opened.promise, socketsSettled);
      peer.abort();
      await server.shutdown();
    });
  }

  test(`accept() ${row.name}`, async () => {
    for (const chunkSize of [Infinity, 1]) {
      const { conn, peer } = server(whole, closes, chunkSize);
      await checkAccepted(row, peer, accept(conn, options));
      assert(conn.isClosed);
    }
    for (const at of cuts(whole.length, row.bytes.length)) {
      const { conn, peer } = server(whole.subarray(at), closes);
      await checkAccepted(row, peer, accept(conn, { ...options, prefix: whole.slice(0, at) }));
      assert(conn.isClosed);
    }
  });

  test(`readRequest(), then accept() ${row.name}`, async () => {
    const { conn, peer } = server(whole, closes);
    peer.ended.then(() => peer.end(), () => {});
    const read = await readRequest(conn, { maxHeadSize: options.maxHeadSize }).catch((error: unknown) => error);
    if (!(read instanceof Error)) {
      if (read === undefined) return assertEquals(row.expect, "connection-closed");
      const { request, rest: prefix } = read as { request: Request; rest: Uint8Array };
      return await checkAccepted(row, peer, accept(conn, { ...options, request, prefix }));
    }
    assertInstanceOf(read, HandshakeError);
    // For plain HTTP these two, and what no Request can have, are methods without a meaning, not wrong ones for an upgrade
    const [method = ""] = row.expect === "method-not-get" ? row.bytes.split(" ", 1) : ["GET"];
    const isUnsupported = method === "TRACE" || method === "CONNECT" || !hasMethod(method);
    const expected = isUnsupported ? "method-unsupported" : row.expect;
    assertEquals(read.failure, expected);
    assertEquals(read.response?.status, row.status);
  });

  if (row.evidence === "bytes") continue;

  const asConnect = carried.find((carried) => carried.row === row);
  if (asConnect?.isSendable) {
    test(`accept() on a stream of HTTP/2 ${row.name}`, async () => {
      await using at = await acceptingHttp2({ ...options, closeTimeout: 100 });
      await checkOnStream(asConnect, at);
    });
  }

  test(`answer() ${row.name}`, async () => {
    const { response, agreement, error } = await answer(requestOf(row), options);
    assertEquals(error?.failure ?? "upgrade", row.expect);
    assertEquals(response.status, row.status);
    checkFields(row, response.headers);
    assertEquals(
      agreement?.protocol,
      row.expect === "upgrade" ? row.fields["Sec-WebSocket-Protocol"] ?? "" : undefined,
    );
    assertEquals(
      agreement?.extensions,
      row.expect === "upgrade" ? row.fields["Sec-WebSocket-Extensions"] ?? "" : undefined,
    );
    assertEquals(agreement?.deflate, row.deflate);
  });

  test(`accept() of a Request ${row.name}`, async () => {
    const rest = latin1(row.rest ?? "");
    for (const at of [0, rest.length >> 1, rest.length]) {
      const { conn, peer } = server(rest.subarray(at), closes);
      const request = requestOf(row);
      await checkAccepted(row, peer, accept(conn, { ...options, request, prefix: rest.slice(0, at) }));
      assert(conn.isClosed);
    }
  });
}

/** Opens a WebSocket toward a peer that answers as the row says, in these pieces. */
async function checkConnected(row: ResponseRow, chunkSize: number, cut?: (length: number, head: number) => number) {
  const [conn, far] = connectionPair({ chunkSize, highWaterMark: Infinity });
  const peer = new RawPeer(far);
  const opening = connect("ws://server.example.com/chat", { conn, ...row.offer, ...row.options })
    .catch((error: unknown) => error);
  const request = await peer.until("\r\n\r\n");
  assert(request.startsWith("GET /chat HTTP/1.1\r\nHost: server.example.com\r\n"), request);
  const key = /^Sec-WebSocket-Key: (.*)\r$/m.exec(request)![1]!;
  const accept = await acceptValue(key);
  const head = row.bytes.replaceAll("{accept}", accept).replaceAll("{key}", key)
    .replaceAll("{accept-lower}", accept.toLowerCase());
  const whole = latin1(head + (row.rest ?? "")), at = cut?.(whole.length, head.length) ?? whole.length;
  peer.write(whole.subarray(0, at));
  if (at < whole.length) peer.write(whole.subarray(at));
  if (row.closes) peer.end();
  peer.ended.then(() => peer.end(), () => {});
  const result = await opening;
  if (row.expect === "agreed") {
    if (result instanceof Error) throw result;
    const socket = result as Connected;
    assertEquals([socket.protocol, socket.response.status], [row.protocol ?? "", 101]);
    assertEquals([socket.extensions, socket.deflate], [row.extensions ?? "", row.deflate]);
    await checkRest(socket, peer, row.rest ?? "", "client");
  } else {
    assertInstanceOf(result, HandshakeError);
    assertEquals(result.failure, row.expect, result.message);
    if (row.status !== undefined) assertEquals(result.response?.status, row.status);
    if (row.body !== undefined) assertEquals(text(await result.response!.bytes()), row.body);
    await peer.ended;
    assertEquals(peer.take(), "");
  }
  assert(conn.isClosed);
}

for (const row of responses) {
  test(`connect() ${row.name}`, async () => {
    await checkConnected(row, Infinity);
    await checkConnected(row, 1);
    for (let i = 1; i < cuts(row.bytes.length, row.bytes.length).length; i++) {
      await checkConnected(row, Infinity, (length, head) => cuts(length, head)[i] ?? length);
    }
  });
}
