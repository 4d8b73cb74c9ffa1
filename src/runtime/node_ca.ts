// The certificate authorities that Node's modules trust, and what is built on them, as Bun's sockets are.

import * as tls from "node:tls";

/** The option `ca`, which replaces the runtime's certificate authorities: those, and the ones in `caCerts`. */
export function caOption(caCerts: readonly string[]): string[] {
  return [...defaultAuthorities(), ...caCerts];
}

function defaultAuthorities(): readonly string[] {
  const { getCACertificates } = tls as Partial<typeof tls>; // from Node 22.15 on
  try {
    return getCACertificates?.("default") ?? tls.rootCertificates;
  } catch {
    return tls.rootCertificates; // Deno asks for a permission that nobody expects
  }
}
