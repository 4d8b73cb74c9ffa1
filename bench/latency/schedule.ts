// When the messages of an open loop are due, and what their times say. They are due at equal distances, on one connection
// after the other, whatever has come back: who waits for an answer before the next question does not see what a slow
// answer would have kept waiting (coordinated omission).

/** Messages on so many connections, so many of them a second altogether. */
export interface Schedule {
  readonly connections: number;
  readonly rate: number;
}

/** When a message of a connection is due, in milliseconds from the start on. Both are counted from 0. */
export function dueAt({ connections, rate }: Schedule, connection: number, message: number): number {
  return (message * connections + connection) * 1000 / rate;
}

/** How many messages are due on all connections, so many milliseconds after the start. */
export function dueUntil({ rate }: Schedule, milliseconds: number): number {
  return Math.floor(milliseconds * rate / 1000) + 1;
}

/**
 * How many messages each connection has to send until so many were sent on all of them, when so many were before: by
 * connection, those without any left out.
 */
export function shares({ connections }: Schedule, sent: number, due: number): [connection: number, count: number][] {
  const late = due - sent;
  return Array.from({ length: Math.max(0, Math.min(late, connections)) }, (_, i) => {
    return [(sent + i) % connections, Math.ceil((late - i) / connections)];
  });
}

/** The least of some times, in order, that so large a share of them does not exceed. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) throw new RangeError("There are no times");
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]!;
}
