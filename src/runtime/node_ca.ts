// The certificate authorities that Node's modules and Bun's sockets trust.

import * as tls from "node:tls";

/** The option `ca`, which replaces the runtime's certificate authorities: these, and the ones in `caCerts`. */
export function caOption(caCerts: readonly string[]): string[] {
  return [...defaultAuthorities(), ...caCerts];
}

function defaultAuthorities(): readonly string[] {
  const { getCACertificates } = tls as Partial<typeof tls>; // from Node 22.15 on
  try {
    return getCACertificates?.("default") ?? tls.rootCertificates;
  } catch {
    return tls.rootCertificates; // Deno would ask for a permission
  }
}
