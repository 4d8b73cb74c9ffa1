// Calls back when an AbortSignal aborts, whether before or after the call, and leaves no listener behind.

/**
 * Calls back with the reason once the signal aborts: at once, if it already has.
 *
 * @returns Stops listening.
 */
export function whenAborted(signal: AbortSignal | undefined, callback: (reason: unknown) => void): () => void {
  if (!signal) return doNothing;
  if (signal.aborted) {
    callback(signal.reason);
    return doNothing;
  }
  const listener = () => callback(signal.reason);
  signal.addEventListener("abort", listener);
  return () => signal.removeEventListener("abort", listener);
}

function doNothing(): void {}

/**
 * Waits for a promise, unless the signal aborts first: then it rejects with the signal's reason. The work behind the
 * promise can't be cancelled; a result that comes too late is passed to `drop`, to be freed.
 */
export async function unlessAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  drop?: (late: T) => void,
): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const stop = whenAborted(signal, (reason) => {
    reject(reason);
    if (drop) promise.then(drop, () => {});
  });
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    stop();
  }
}
