// How a connection of a client that reconnects has ended: whether that is worth another one is decided by it.

import { Connection } from "../connection/connection.ts";
import type { HandshakeError } from "../errors/handshake_error.ts";
import { quote } from "../errors/problem.ts";
import { uncleanError, WebSocketError } from "../errors/websocket_error.ts";
import type { Connected } from "./connect.ts";

/** Why there is no connection. */
export interface End {
  readonly error: HandshakeError | WebSocketError;
  /** Whether it was closed at this end: who has not left the loop wants another one. */
  readonly isOurs?: boolean;
  /** Whether the server has closed it because its purpose is fulfilled (RFC 6455 §7.4.1). */
  readonly isDone?: boolean;
}

/** Waits for the end of a connection. */
export async function endOf(socket: Connected): Promise<End> {
  const isOurs = () => isClosedByUs(socket);
  try {
    const { closeCode, reason } = await socket.closed;
    const message = `The connection was closed with ${closeCode}${reason === "" ? "" : `, ${quote(reason)}`}`;
    return { error: uncleanError(message, { closeCode, reason }), isOurs: isOurs(), isDone: closeCode === 1000 };
  } catch (error) {
    return { error: error as WebSocketError, isOurs: isOurs() };
  }
}

export function isClosedByUs(socket: Connected): boolean {
  return socket instanceof Connection && socket.isClosedByUs;
}

/** Whether an error says how the connection ended, and nothing else. */
export async function isLossOf(socket: Connected, error: unknown): Promise<boolean> {
  return error instanceof WebSocketError && error === await socket.closed.catch((end: unknown) => end);
}
