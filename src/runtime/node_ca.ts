// Whom Node's modules, and what is built on them, trust.

import * as tls from "node:tls";

/** The option `ca` for certificates to trust beside the runtime's: with that option nothing else would be trusted. */
export function trusted(caCerts: readonly string[]): string[] {
  return [...byDefault(), ...caCerts];
}

function byDefault(): readonly string[] {
  const { getCACertificates } = tls as Partial<typeof tls>; // from Node 22.15 on
  try {
    return getCACertificates?.("default") ?? tls.rootCertificates;
  } catch {
    return tls.rootCertificates; // Deno asks for a permission that nobody expects
  }
}
