// Stands in for deno_transport.ts where there is no Deno: the bundles of Workers and browsers have none of what reads it.

import type { denoTransportOf as DenoTransportOf } from "./deno_transport.ts";

/** What is no `Deno.Conn` has no such transport. */
export const denoTransportOf: typeof DenoTransportOf = () => undefined;
