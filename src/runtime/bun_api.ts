// The part of Bun's TCP APIs that is used, declared here so that neither Bun nor its types are needed to load what builds
// on it.

/** What is used of a socket of `Bun.listen` or `Bun.connect`. */
export interface BunSocket {
  /** Whatever its owner attaches to it: here, its connection. */
  data: unknown;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  /** Only of a socket with TLS. */
  getPeerCertificate?(): { readonly subjectaltname?: string } | null;
  /** Returns how many bytes the socket took, or -1 when it takes none any more. */
  write(bytes: Uint8Array): number;
  shutdown(): void;
  close(): void;
  pause(): void;
  resume(): void;
}

/**
 * Handlers for the `socket` option of `Bun.listen` and `Bun.connect`: a `SocketHandler` of Bun's types, which need not be
 * installed.
 *
 * @example One for several listeners
 * ```ts ignore
 * import { type BunHandlers, handlers } from "@handfast/websocket/bun";
 * import { assertEquals } from "@std/assert";
 *
 * const socket: BunHandlers = handlers((conn) => conn.close());
 * const servers = [8771, 8772].map((port) =>
 *   Bun.listen({ hostname: "127.0.0.1", port, allowHalfOpen: true, socket })
 * );
 *
 * assertEquals(servers.map(({ port }) => port), [8771, 8772]);
 * for (const server of servers) server.stop();
 * ```
 */
export interface BunHandlers {
  /** Bun gives chunks as `Uint8Array`. */
  readonly binaryType: "uint8array";
  /** A socket is open. */
  readonly open: (socket: never) => void;
  /** The peer has sent something. */
  readonly data: (socket: never, chunk: Uint8Array<ArrayBuffer>) => void;
  /** There is room for more to be written. */
  readonly drain: (socket: never) => void;
  /** The peer has half-closed. */
  readonly end: (socket: never) => void;
  /** The socket is closed. */
  readonly close: (socket: never, error?: Error) => void;
  /** The socket has failed. */
  readonly error: (socket: never, error: Error) => void;
}

/**
 * Bun's options for TLS: a `TLSOptions` of Bun's types, which need not be installed.
 *
 * @example A listener with TLS
 * ```ts ignore
 * import { type BunTlsOptions, listen } from "@handfast/websocket/bun";
 * import { assertThrows } from "@std/assert";
 *
 * const tls: BunTlsOptions = { cert: "…", key: "…" };
 *
 * assertThrows(() => listen({ port: 8443, tls }), Error); // that is no certificate
 * ```
 */
export interface BunTlsOptions {
  /** The certificate, with those of its issuers, in PEM: text, bytes, or a `Bun.file()`. */
  cert?:
    | string
    | ArrayBufferLike
    | ArrayBufferView
    | Blob
    | (string | ArrayBufferLike | ArrayBufferView | Blob)[]
    | undefined;
  /** The private key of the certificate, in PEM. */
  key?: BunTlsOptions["cert"];
  /** The passphrase of the key. */
  passphrase?: string | undefined;
  /** The authorities to trust, in PEM, instead of those that Bun comes with. */
  ca?: BunTlsOptions["cert"];
  /** Lists of certificates that were revoked, in PEM. */
  crl?: BunTlsOptions["cert"];
  /** The name that the certificate of a server must be for (SNI). */
  serverName?: string | undefined;
  /** Whether a peer's certificate that is not trusted ends the connection. */
  rejectUnauthorized?: boolean | undefined;
  /** Whether a server asks for a certificate of the client's. */
  requestCert?: boolean | undefined;
  /** The protocols that are offered or accepted (ALPN). */
  ALPNProtocols?: string | ArrayBufferLike | ArrayBufferView | undefined;
  /** The cipher suites, as OpenSSL writes them. */
  ciphers?: string | undefined;
  /** OpenSSL's `SSL_OP_…` flags. */
  secureOptions?: number | undefined;
  /** The path of a file with parameters for Diffie-Hellman. */
  dhParamsFile?: string | undefined;
  /** Whether OpenSSL keeps less memory for each connection. */
  lowMemoryMode?: boolean | undefined;
}

/** What is used of Bun's options for TLS. */
export interface BunTls {
  serverName?: string | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
  readonly ca?: unknown;
  readonly cert?: unknown;
  readonly key?: unknown;
}

/** What `Bun.listen` and `Bun.connect` call. */
export interface BunSocketHandlers {
  readonly binaryType: "uint8array";
  open(socket: BunSocket): void;
  data(socket: BunSocket, chunk: Uint8Array<ArrayBuffer>): void;
  drain(socket: BunSocket): void;
  end(socket: BunSocket): void;
  close(socket: BunSocket, error?: Error): void;
  error(socket: BunSocket, error: Error): void;
  handshake?(socket: BunSocket, success: boolean, error: Error | null): void;
  connectError?(socket: BunSocket, error: Error): void;
}

/** What is used of a listener of `Bun.listen`. */
export interface BunServer {
  readonly hostname?: string;
  readonly port?: number;
  readonly unix?: string;
  stop(closeActive?: boolean): void;
}

/** What is used of `Bun`. */
export interface BunTcp {
  listen(options: object): BunServer;
  connect(options: object): Promise<unknown>;
}

/**
 * Bun's TCP APIs.
 *
 * @throws {TypeError} On another runtime.
 */
export function bunTcp(): BunTcp {
  const { Bun } = globalThis as { Bun?: BunTcp };
  if (!Bun) throw new TypeError("Cannot use Bun's TCP APIs: this runtime is not Bun");
  return Bun;
}
