// Whether a certificate is for a host, in the same way on every runtime: by its subjectAltName alone (RFC 9525 §6.3). Node
// and Bun would also take the common name of its subject, in which authorities have put whatever they liked.

import { checkServerIdentity } from "node:tls";

/** What is used of a certificate, as the sockets of Node and Bun show it. */
export interface Certificate {
  readonly subjectaltname?: string | undefined;
}

/**
 * Why a certificate is not for a host, or `undefined` when it is.
 *
 * @param hostname A name, or an IP address.
 */
export function identityError(hostname: string, { subjectaltname }: Certificate): Error | undefined {
  const nameless = { subject: {}, subjectaltname } as unknown as Parameters<typeof checkServerIdentity>[1];
  return checkServerIdentity(hostname, nameless);
}
