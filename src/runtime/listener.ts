// The interface of each runtime's listener, and the error that all of them use. A listener hands over transports: what a
// connection of the runtime's would need beside its bytes is never made.

import type { NetworkAddress } from "../base/network_address.ts";
import type { RequestHead } from "../errors/handshake_error.ts";
import type { OwnedTransport } from "../transport/owned_transport.ts";
import type { Address } from "./dialler.ts";
import type { RequestStream } from "./request_stream.ts";

/** Where and how to listen. */
export interface ListenOptions {
  readonly address: Address;
  /** The certificate and its key, in PEM. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** Whether to speak HTTP/2: with TLS beside HTTP/1.1, as the client chooses by ALPN, and without it alone. */
  readonly http2?: boolean;
  /** Whether other processes may listen on the same port, which share the connections. */
  readonly reusePort: boolean;
  /** How long a TLS handshake may take, in milliseconds, where the runtime can limit it; 0 means no limit. */
  readonly handshakeTimeout: number;
}

/** Who is told of what a listener gets. */
export interface ListenHandlers {
  /** A client has connected; it may have left already. */
  onConnection(transport: OwnedTransport): void;
  /**
   * A client has sent a request on a stream of HTTP/2.
   *
   * @param fields Its fields as they came, pseudo-header fields included.
   * @param makeStream Makes the stream, once the fields are read.
   */
  onStream?(fields: Iterable<readonly [string, string]>, makeStream: (request: RequestHead) => RequestStream): void;
  /** A connection could not be accepted for a reason of our own; the listener goes on. */
  onError(error: unknown): void;
}

/** A listener that listens. */
export interface Listener {
  /** Its address, with the port that it got. */
  readonly addr: NetworkAddress;
  /** Listens no more. Connections that were handed over stay open. Gives a promise where the address is free only later. */
  stop(): void | Promise<void>;
  /** Also closes what has not got as far as a connection, such as TLS handshakes under way, once no connection is left. */
  close(): void;
}

/** Listens; rejects with an error of {@linkcode listenFailed}. */
export type Listen = (options: ListenOptions, handlers: ListenHandlers) => Promise<Listener>;

/** What is to be done about the codes that have an answer. */
const REMEDIES: Readonly<Record<string, { readonly tcp?: string; readonly unix: string }>> = {
  EADDRINUSE: {
    tcp: "the port is taken: choose another with the option port, where 0 takes a free one",
    unix: "the path is taken: by a server that runs, or by the file that one has left behind",
  },
  EACCES: {
    tcp: "this process may not use the port: choose one above 1023 with the option port",
    unix: "this process may not make a file there",
  },
  EADDRNOTAVAIL: {
    tcp: "the option hostname must be an address of this machine, or a name of one",
    unix: "the path can't be used",
  },
  ENOENT: { unix: "the folder of the path does not exist: make it first" },
  ENOTDIR: { unix: "a part of the path that should be a folder is none" },
  EINVAL: { unix: "the path can't be used: most systems take no more than about 100 bytes" },
};

/** The error of a listener that could not be made. It has the code of the system, such as `EADDRINUSE`: mostly its cause's. */
export function listenFailed({ address, tls }: ListenOptions, cause: unknown, code = codeOf(cause)): Error {
  const { message } = cause as { message?: unknown };
  const isUnix = "unix" in address;
  const where = isUnix ? address.unix : `${address.hostname} port ${address.port}`;
  const remedy = REMEDIES[String(code)]?.[isUnix ? "unix" : "tcp"];
  const isTls = tls && (code === undefined || isCertificates(cause)); // Deno's errors about them have no code
  const why = remedy ?? `${message ?? cause}${isTls ? " (the options cert and key)" : ""}`;
  const error = new Error(`Cannot listen on ${where}: ${why}`, { cause });
  return code === undefined ? error : Object.assign(error, { code });
}

/** The code of an error, if it has one. */
export function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code;
}

/** Whether it is a certificate or a key that can't be used. */
function isCertificates(error: unknown): boolean {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return /^ERR_(?:OSSL|SSL|CRYPTO)/.test(String(code)) || name === "InvalidData";
}
