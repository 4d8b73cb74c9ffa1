// What connect() is told about dialling, checked before anything is dialled.

import { parseProxy, type Proxy } from "./proxy.ts";
import { type Tls } from "../runtime/dialler.ts";
import { type ByteConnection } from "../transport/transport.ts";

/**
 * How `connect()` dials. None of it goes together with a connection of one's own.
 *
 * @example Through a proxy, to a server with a certificate of one's own CA
 * ```ts
 * import { connect, type DialOptions } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const CA = "-----BEGIN CERTIFICATE-----\n…";
 * const options: DialOptions = { proxy: "http://ada:secret@127.0.0.1:9", caCerts: [CA] };
 *
 * const error = await connect("wss://api.example/", options).catch((error) => error);
 * assertEquals(error.failure, "dial-failed");
 * ```
 */
export interface DialOptions {
  /** The path of a unix socket to dial in place of the URL's host. */
  unix?: string | undefined;
  /**
   * An HTTP proxy to dial through: `http://user:password@host:port`. It is asked for a tunnel (RFC 9110 §9.3.6), in which
   * TLS is done for `wss:`. Proxies are taken from nowhere else, such as the environment.
   */
  proxy?: string | URL | undefined;
  /**
   * Certificates that are trusted beside those that the runtime trusts, each in PEM.
   *
   * @default {[]}
   */
  caCerts?: readonly string[] | undefined;
  /** Our own certificate for TLS, in PEM. */
  cert?: string | undefined;
  /** The private key of `cert`, in PEM. */
  key?: string | undefined;
  /**
   * How many redirects are followed (RFC 9110 §15.4): never from `wss:` to `ws:`, and to another origin without
   * Authorization, Cookie, Proxy-Authorization, user information, and `cert`.
   *
   * @default {0}
   */
  followRedirects?: number | undefined;
}

/** {@linkcode DialOptions}, checked. */
export interface CheckedDialOptions {
  readonly unix: string | undefined;
  readonly proxy: Proxy | undefined;
  readonly caCerts: readonly string[];
  readonly client: Tls["client"];
}

/** What only a connection of our own making has. */
const DIALLING = ["unix", "proxy", "caCerts", "cert", "key", "followRedirects"] as const;

/** What must not be there when dialling. */
interface Given {
  readonly conn?: ByteConnection | undefined;
  readonly prefix?: Uint8Array | undefined;
  readonly keepAlive?: boolean | undefined;
}

/**
 * How to dial, or `undefined` when there is a connection.
 *
 * @throws {TypeError} For options that can't be used, or not with each other.
 */
export function checkDialling(options: Given & DialOptions): CheckedDialOptions | undefined {
  const { conn, prefix, unix, proxy, caCerts = [], cert, key } = options;
  if (conn !== undefined) {
    const unused = DIALLING.find((name) => options[name] !== undefined);
    if (unused) throw new TypeError(`Cannot use the option ${unused}: the connection is given as conn`);
    return undefined;
  }
  const wrong = prefix !== undefined
    ? "prefix: there is no conn that it was read from"
    : options.keepAlive
    ? "keepAlive: only a conn of the caller's own can be tried again"
    : unix !== undefined && (typeof unix !== "string" || unix === "")
    ? "unix: it must be the path of a socket"
    : unix !== undefined && proxy !== undefined
    ? "proxy: it does not go together with unix"
    : !Array.isArray(caCerts) || !caCerts.every(isPem)
    ? "caCerts: it must be a list of certificates in PEM"
    : (cert === undefined) !== (key === undefined)
    ? "cert: a certificate and its key are given together"
    : cert !== undefined && !(isPem(cert) && isPem(key))
    ? "cert: certificate and key must be in PEM"
    : undefined;
  if (wrong) throw new TypeError(`Cannot use the option ${wrong}`);
  return {
    unix,
    proxy: proxy === undefined ? undefined : parseProxy(proxy),
    caCerts,
    client: cert === undefined ? undefined : { cert, key: key! },
  };
}

function isPem(value: unknown): boolean {
  return typeof value === "string" && value.includes("-----BEGIN ");
}
