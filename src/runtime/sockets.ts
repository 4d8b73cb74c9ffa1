// Chooses how this runtime dials and listens, and loads it when it is first needed. The package for npm has no_sockets.ts in
// place of this under the conditions `workerd` and `browser`: a bundler would make of what is loaded here imports that the
// bundle can't start without.

import type { Dialler, Tls } from "./dialler.ts";
import type { Http2Dialler } from "./http2_client.ts";
import type { Listen, ListenOptions } from "./listener.ts";
import * as none from "./no_sockets.ts";

/**
 * The dialler of this runtime. Deno's `startTls()` takes no client certificate, which a tunnel would need, and no Unix
 * socket: there, Deno dials with Node's modules.
 *
 * @throws {TypeError} Rejects on a runtime without TCP sockets.
 */
export async function diallerFor(tls: Tls | undefined, isTunnelled: boolean, isUnix: boolean): Promise<Dialler> {
  if (isDeno() && !(tls && (isUnix || isTunnelled && tls.client))) {
    return (await import("./deno_dialler.ts")).denoDialler;
  }
  if (isBun()) return (await import("./bun_dialler.ts")).bunDialler;
  if (isNode()) return (await import("./node_dialler.ts")).nodeDialler;
  return await none.diallerFor();
}

/**
 * How this runtime begins HTTP/2 sessions.
 *
 * @throws {TypeError} Rejects on a runtime without TCP sockets.
 */
export async function http2Dialler(): Promise<Http2Dialler> {
  if (isDeno() || isBun() || isNode()) return (await import("./node_http2_client.ts")).nodeHttp2;
  return await none.http2Dialler();
}

/**
 * How this runtime listens. HTTP/2 is Node's on all of them. Deno's TLS does not listen on a Unix socket, and its sockets
 * share a port only with `--unstable-net`, which is shown by what else comes with it: without these, Deno listens with
 * Node's modules.
 *
 * @throws {TypeError} Rejects on a runtime without TCP sockets.
 */
export async function listenFor({ address, tls, reusePort, http2 }: ListenOptions): Promise<Listen> {
  if (http2 && (isDeno() || isBun() || isNode())) return (await import("./node_listener.ts")).listenOnNode;
  const isLacking = tls && "unix" in address || reusePort && !("listenDatagram" in Object(runtime.Deno));
  if (isDeno() && !isLacking) return (await import("./deno_listener.ts")).listenOnDeno;
  if (isBun()) return (await import("./bun_serving.ts")).listenOnBun;
  if (isNode()) return (await import("./node_listener.ts")).listenOnNode;
  return await none.listenFor();
}

const runtime = globalThis as { Deno?: unknown; Bun?: unknown; process?: { versions?: { node?: string } } };
const isDeno = () => runtime.Deno !== undefined;
const isBun = () => runtime.Bun !== undefined;
const isNode = () => runtime.process?.versions?.node !== undefined;
