// Whom Node's modules, and what is built on them, trust.

import * as tls from "node:tls";

/** The option `ca` for certificates to trust beside the runtime's: with that option nothing else would be trusted. */
export function trusted(caCerts: readonly string[]): string[] {
  const { getCACertificates } = tls as Partial<typeof tls>; // Node 22.15
  return [...getCACertificates?.("default") ?? tls.rootCertificates, ...caCerts];
}
