// Servers and clients of node:http2 for tests, over plain TCP or TLS, the same on every runtime.

import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createSecureServer,
  createServer,
  type Http2Server,
  type Http2Stream,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type SecureServerOptions,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { accept, attach } from "../../mod.ts";
import type { Accepted, AcceptOptions, ConnectionOptions, HandshakeError, WebSocketConnection } from "../../mod.ts";
import { type ByteConnection, fromHttp2, type Http2Connection } from "../../src/node.ts";
import { NodeHttp2Connection } from "../../src/runtime/node_http2_stream.ts";
import type { H2Fields } from "../cases/connects.ts";
import { socketsSettled } from "./serving.ts";

/** A server that listens. */
export interface Http2Listening extends AsyncDisposable {
  readonly port: number;
  readonly server: Http2Server;
}

/** Listens on a free port, and hands each stream over. */
export async function listenHttp2(
  onStream: (conn: Http2Connection) => void,
  options: SecureServerOptions = {},
): Promise<Http2Listening> {
  const all = { settings: { enableConnectProtocol: true }, ...options };
  const server = (options.key ? createSecureServer(all) : createServer(all)) as Http2Server;
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {});
    session.on("close", () => sessions.delete(session));
  });
  server.on("stream", (...event) => onStream(fromHttp2(...event)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    server,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      const closing = once(server, "close");
      server.close();
      await closing;
    },
  };
}

/** A response, or its head. */
export interface Http2Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders & IncomingHttpStatusHeader;
}

/** A session of a client. */
export class Http2Client implements Disposable {
  readonly session: ClientHttp2Session;

  constructor(session: ClientHttp2Session) {
    this.session = session;
    session.on("error", () => {});
  }

  /** Connects, and waits until the server's SETTINGS have come (RFC 8441 §3). */
  static async open(port: number, ca?: string): Promise<Http2Client> {
    const session = ca === undefined
      ? connect(`http://127.0.0.1:${port}`)
      : connect(`https://127.0.0.1:${port}`, { ca: [ca] });
    const client = new Http2Client(session);
    if (session.remoteSettings?.enableConnectProtocol === undefined) await once(session, "remoteSettings");
    return client;
  }

  /** Opens a stream with these fields, whose errors are nobody's. */
  request(fields: H2Fields, options: { endStream?: boolean } = {}): ClientHttp2Stream {
    const headers: Record<string, string | string[]> = {};
    for (const [name, value] of fields) {
      headers[name] = headers[name] === undefined ? value : [headers[name], value].flat();
    }
    const stream = this.session.request(headers, { endStream: false, ...options }).on("error", () => {});
    heads.set(stream, once(stream, "response").then(([headers]) => ({ status: headers[":status"], headers })));
    heads.get(stream)!.catch(() => {}); // a test that waits for it sees it
    return stream;
  }

  /** What was sent was read, and what that was answered with has come. */
  async settled(): Promise<void> {
    for (let i = 0; i < 2; i++) await new Promise<void>((resolve) => void this.session.ping(() => resolve()));
    await socketsSettled();
  }

  [Symbol.dispose](): void {
    this.session.destroy();
  }
}

/** From the request on, so that no head comes before somebody waits for it. */
const heads = new WeakMap<ClientHttp2Stream, Promise<Http2Reply>>();

/** The head of the response on a stream. */
export async function headOn(stream: ClientHttp2Stream): Promise<Http2Reply> {
  return await heads.get(stream)!;
}

/** What comes on a stream up to its end, as text. */
export async function bodyOn(stream: ClientHttp2Stream): Promise<string> {
  let text = "";
  stream.setEncoding("latin1");
  for await (const chunk of stream) text += chunk;
  return text;
}

/** A server that accepts every stream, and a client of it; with TLS where there is a certificate. */
export async function acceptingHttp2(options: AcceptOptions = {}, tls?: { cert: string; key: string; ca: string }) {
  const outcomes: PromiseWithResolvers<unknown>[] = [];
  let seen = 0, taken = 0;
  const next = (i: number) => outcomes[i] ??= Promise.withResolvers();
  const server = await listenHttp2((conn) => {
    const { resolve } = next(seen++);
    accept(conn, options).then(resolve, resolve);
  }, tls && { cert: tls.cert, key: tls.key });
  const client = await Http2Client.open(server.port, tls?.ca);
  return {
    server,
    client,
    /** What has become of the next accept(). */
    outcome: () => next(taken++).promise as Promise<Accepted & HandshakeError>,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** A stream as a connection of ours. */
export function connectionOf(stream: Http2Stream): ByteConnection {
  return new NodeHttp2Connection(stream);
}

/** Both ends of a stream after the handshake: a WebSocket of ours, and the bytes of the other end. */
export interface Http2Ends extends AsyncDisposable {
  readonly ours: WebSocketConnection;
  readonly far: ByteConnection;
}

/** Opens a WebSocket over HTTP/2, of which ours has this role. */
export async function http2Ends(role: "server" | "client", options: ConnectionOptions = {}): Promise<Http2Ends> {
  const accepting = Promise.withResolvers<WebSocketConnection>(), bare = Promise.withResolvers<Http2Stream>();
  const server = await listenHttp2((conn) => {
    if (role === "server") accept(conn, options).then(accepting.resolve, accepting.reject);
  });
  if (role === "client") {
    server.server.on("stream", (stream) => {
      (stream as unknown as ServerHttp2Stream).respond({ ":status": 200 });
      bare.resolve(stream);
    });
  }
  const client = await Http2Client.open(server.port), request = client.request(CONNECT);
  await headOn(request);
  const conn = connectionOf(request), agreement = { role, protocol: "", extensions: "" } as const;
  return {
    ours: role === "server" ? await accepting.promise : attach(conn, agreement, options),
    far: role === "server" ? conn : connectionOf(await bare.promise),
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

const CONNECT: H2Fields = [
  [":method", "CONNECT"],
  [":protocol", "websocket"],
  [":scheme", "http"],
  [":authority", "localhost"],
  [":path", "/"],
  ["sec-websocket-version", "13"],
];
