// The options of connect() about dialling, and their check, which is done before anything is dialled.

import { parseProxy, type Proxy } from "./proxy.ts";
import { shown } from "../base/options.ts";
import type { Tls } from "../runtime/dialler.ts";

/**
 * How {@linkcode connect} dials. None of these options can be used together with `conn`.
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
  /** The path of a unix socket to dial instead of the host of the URL. */
  unix?: string | undefined;
  /**
   * An HTTP proxy to dial through, as `http://user:password@host:port`. It is asked for a tunnel with the CONNECT method
   * (RFC 9110 §9.3.6); for `wss:`, TLS is done inside the tunnel. Environment variables that name a proxy are
   * ignored.
   */
  proxy?: string | URL | undefined;
  /**
   * Certificates of authorities to trust in addition to those that the runtime trusts, each in PEM.
   *
   * @default {[]}
   */
  caCerts?: readonly string[] | undefined;
  /** The client certificate for TLS, in PEM; needs `key`. */
  cert?: string | undefined;
  /** The private key of `cert`, in PEM. */
  key?: string | undefined;
  /**
   * Whether to ask for a WebSocket over HTTP/2 (RFC 8441). WebSockets to the same origin, dialled with the same options, then
   * share one connection, which is made for the first of them and closed behind the last. With `true` a server that takes
   * none is an error, `http2-unsupported`, and `ws:` means HTTP/2 without TLS, which the server must be known to speak. With
   * `"auto"` HTTP/1.1 is used then, on a connection of its own, and for `ws:` always.
   *
   * The connection is one of `node:net` or `node:tls` on every runtime. A `headers` function is called for each request: with
   * `"auto"` it may be for two.
   *
   * @default {false}
   */
  http2?: boolean | "auto" | undefined;
  /**
   * How many redirects to follow (RFC 9110 §15.4). A redirect is followed as soon as its head has come. One from `wss:` to
   * `ws:` is never followed.
   *
   * Another origin gets neither the user and password of the URL, nor `cert`, nor any field that is given as data in
   * `headers`, except Accept, Accept-Language, Content-Language and User-Agent, which a page may send to any origin. A
   * function in `headers` is called again with the new URL, and decides by itself; only Authorization, Cookie and
   * Proxy-Authorization are taken out. Subprotocols are offered to every origin: they are no place for a secret.
   *
   * @default {0}
   */
  followRedirects?: number | undefined;
}

/** {@linkcode DialOptions}, checked; without `followRedirects`, which is not about a single connection. */
export interface CheckedDialOptions {
  readonly unix: string | undefined;
  readonly proxy: Proxy | undefined;
  readonly caCerts: readonly string[];
  readonly client: Tls["client"];
  readonly http2: boolean | "auto";
}

/** Options that need a connection of the caller's own, and are refused when dialling. */
interface Given {
  readonly prefix?: Uint8Array | undefined;
  readonly keepAlive?: boolean | undefined;
}

/**
 * Checks how to dial.
 *
 * @throws {TypeError} For an option that can't be used, or not together with another.
 */
export function checkDialOptions(options: Given & DialOptions): CheckedDialOptions {
  const { unix, proxy, caCerts = [], cert, key, http2 = false } = options;
  const wrong = findUnusable(options);
  if (wrong) throw new TypeError(`Cannot use the option ${wrong}`);
  return {
    unix,
    proxy: proxy === undefined ? undefined : parseProxy(proxy),
    caCerts,
    client: cert === undefined ? undefined : { cert, key: key! },
    http2,
  };
}

/** The first option that can't be used, and why. */
function findUnusable(options: Given & DialOptions): string | undefined {
  const { prefix, keepAlive, unix, proxy, caCerts, cert, key, http2 = false } = options;
  if (prefix !== undefined) return "prefix: there is no conn that it was read from";
  if (keepAlive === true) return "keepAlive: only a conn of the caller's own can be tried again";
  if (unix !== undefined && (typeof unix !== "string" || unix === "")) return "unix: it must be the path of a socket";
  if (unix !== undefined && proxy !== undefined) return "proxy: it does not go together with unix";
  if (caCerts !== undefined && !(Array.isArray(caCerts) && caCerts.every(isPem))) {
    return "caCerts: it must be a list of certificates in PEM";
  }
  if ((cert === undefined) !== (key === undefined)) return "cert: a certificate and its key are given together";
  if (cert !== undefined && !(isPem(cert) && isPem(key))) return "cert: certificate and key must be in PEM";
  if (typeof http2 !== "boolean" && http2 !== "auto") {
    return `http2: it is ${shown(http2)}, and must be a boolean or "auto"`;
  }
  return undefined;
}

function isPem(value: unknown): boolean {
  return typeof value === "string" && value.includes("-----BEGIN ");
}
