// One WebSocket in one group, with the value that belongs to it.

import { Connection } from "../connection/connection.ts";
import type { ConnectionOwner } from "../connection/connection_owner.ts";
import type { Driver } from "../connection/driver.ts";
import type { WebSocketConnection } from "../connection/websocket_connection.ts";
import type { CloseInfo, WebSocketError } from "../errors/websocket_error.ts";

/** Called when a member is closed. A group has one such function, for all of its members. */
export type WhenClosed<Socket, Value> = (
  member: Membership<Socket, Value>,
  outcome: CloseInfo | WebSocketError,
) => void;

/**
 * A member of a group. It is told of the end by a call: a promise each would take more memory than the rest. Once it has left
 * it refers to nothing: in V8 each table that a set has outgrown refers to the next one, and once one of them is old, all that
 * were in any of them survive every collection of young objects, until a full one.
 */
export class Membership<Socket, Value> implements ConnectionOwner {
  #socket: Socket | undefined;
  #driver: Driver | undefined;
  value: Value;
  /** It tells the groups of a WebSocket apart, too. */
  readonly whenClosed: WhenClosed<Socket, Value>;

  constructor(socket: Socket, driver: Driver, value: Value, whenClosed: WhenClosed<Socket, Value>) {
    this.#socket = socket;
    this.#driver = driver;
    this.value = value;
    this.whenClosed = whenClosed;
    driver.addOwner(this);
  }

  /** Whether it belongs to the group. */
  get isMember(): boolean {
    return this.#driver !== undefined;
  }

  /** The WebSocket of a member. */
  get socket(): Socket {
    return this.#socket!;
  }

  /** What runs it. */
  get driver(): Driver {
    return this.#driver!;
  }

  onClosed(outcome: CloseInfo | WebSocketError): void {
    this.#forget();
    this.whenClosed(this, outcome);
  }

  /** It leaves the group before it is closed. */
  leave(): void {
    this.#driver?.removeOwner(this);
    this.#forget();
  }

  #forget(): void {
    this.#socket = this.#driver = undefined;
    this.value = undefined!;
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
