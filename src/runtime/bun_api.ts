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
  /** Returns how many bytes the socket took, or -1 when it takes none any more. */
  /** Only of a socket with TLS. */
  getPeerCertificate?(): { readonly subjectaltname?: string } | null;
  write(bytes: Uint8Array): number;
  shutdown(): void;
  close(): void;
  pause(): void;
  resume(): void;
}

/** What is used of Bun's options for TLS. */
export interface BunTls {
  serverName?: string;
  readonly rejectUnauthorized?: boolean;
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
