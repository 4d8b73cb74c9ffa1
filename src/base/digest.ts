// Digests by the platform, which computes them beside the event loop: how many turns that takes, nobody can tell.

const underWay = new Set<Promise<ArrayBuffer>>();

/** Computes a digest. */
export async function digest(algorithm: "SHA-1" | "SHA-256", bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const computing = crypto.subtle.digest(algorithm, bytes);
  underWay.add(computing);
  try {
    return new Uint8Array(await computing);
  } finally {
    underWay.delete(computing);
  }
}

/** Waits for the digests that are under way, for a clock that must not go on before them; `undefined` if there are none. */
export function digestsUnderWay(): Promise<unknown> | undefined {
  return underWay.size === 0 ? undefined : Promise.allSettled(underWay);
}
