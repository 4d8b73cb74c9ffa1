// One WebSocket in one group, with the value that belongs to it.

import { Connection } from "../connection/connection.ts";
import type { ConnectionOwner, Driver } from "../connection/driver.ts";
import type { WebSocketConnection } from "../connection/websocket_connection.ts";
import type { CloseInfo, WebSocketError } from "../errors/websocket_error.ts";

/** Called when a member is closed. A group has one such function, for all of its members. */
export type WhenClosed<Socket, Value> = (
  member: Membership<Socket, Value>,
  outcome: CloseInfo | WebSocketError,
) => void;

/** A member of a group. It is told of the end by a call: a promise each would take more memory than the rest. */
export class Membership<Socket, Value> implements ConnectionOwner {
  readonly socket: Socket;
  readonly driver: Driver;
  value: Value;
  readonly #whenClosed: WhenClosed<Socket, Value>;
  /** Whether it belongs to the group. */
  isMember = true;

  constructor(socket: Socket, driver: Driver, value: Value, whenClosed: WhenClosed<Socket, Value>) {
    this.socket = socket;
    this.driver = driver;
    this.value = value;
    this.#whenClosed = whenClosed;
    driver.addOwner(this);
  }

  onClosed(outcome: CloseInfo | WebSocketError): void {
    this.isMember = false;
    this.#whenClosed(this, outcome);
  }

  /** It leaves the group before it is closed. */
  leave(): void {
    this.isMember = false;
    this.driver.removeOwner(this);
  }
}

/**
 * What runs a WebSocket of this library.
 *
 * @throws {TypeError} When it is something else.
 */
export function driverOf(socket: WebSocketConnection<unknown>): Driver {
  const driver = Connection.driverOf(socket);
  if (driver) return driver;
  throw new TypeError("Cannot add the socket: it must be a WebSocket of accept(), attach(), connect() or serve()");
}
