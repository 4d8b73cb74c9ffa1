// Stands in for sockets.ts where a runtime has no sockets that a library could dial or listen with by itself: Workers and
// browsers. It must import nothing of those that have.

import type { Dialler } from "./dialler.ts";
import type { Http2Dialler } from "./http2_client.ts";
import type { Listen } from "./listener.ts";

/** @throws {TypeError} Rejects: there is nothing to dial with. */
export function diallerFor(): Promise<Dialler> {
  const instead =
    "connect by yourself, in a Worker by connect() of cloudflare:sockets, and give the connection as conn";
  return Promise.reject(new TypeError(`Cannot dial: this runtime has no TCP sockets; ${instead}`));
}

/** @throws {TypeError} Rejects: there is nothing to dial with. */
export async function http2Dialler(): Promise<Http2Dialler> {
  return await diallerFor() as never; // it rejects
}

/** @throws {TypeError} Rejects: there is nothing to listen with. */
export function listenFor(): Promise<Listen> {
  const instead = "give connections of your own to accept(), in a Worker those that its connect() handler gets";
  return Promise.reject(new TypeError(`Cannot serve: this runtime has no TCP sockets; ${instead}`));
}
