// The sockets of the load: what is used of Bun.connect, whose types would replace those of the other runtimes, and
// waiting that ends.

/** A socket of Bun's. */
export interface BunSocket<Data> {
  data: Data;
  /** How many bytes were taken. */
  write(bytes: Uint8Array): number;
  end(): void;
  /** Reads no more. */
  pause(): void;
  /** Leaves with a reset, so that no port stays taken. */
  terminate(): void;
}

/** What Bun tells of a socket. */
export interface BunHandlers<Data> {
  open(socket: BunSocket<Data>): void;
  data(socket: BunSocket<Data>, chunk: Uint8Array): void;
  drain(socket: BunSocket<Data>): void;
  close(socket: BunSocket<Data>): void;
  error(socket: BunSocket<Data>, error: Error): void;
  connectError(socket: BunSocket<Data>, error: Error): void;
}

declare const Bun: {
  connect<Data>(options: {
    readonly hostname: string;
    readonly port: number;
    readonly data: Data;
    readonly socket: BunHandlers<Data>;
    readonly tls: false | { readonly rejectUnauthorized: boolean };
  }): Promise<BunSocket<Data>>;
};

/** Connects to a port of 127.0.0.1, over TLS if asked to, with whatever certificate the server has. */
export function connect<Data>(
  port: number,
  data: Data,
  socket: BunHandlers<Data>,
  isSecure = false,
): Promise<BunSocket<Data>> {
  return Bun.connect({ hostname: "127.0.0.1", port, data, socket, tls: isSecure && { rejectUnauthorized: false } });
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** A promise that rejects after a time. */
export async function within<Result>(milliseconds: number, what: string, promise: Promise<Result>): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`Not within ${milliseconds} ms: ${what}`)), milliseconds);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
