// Who has to do with a connection beside its user: a server, a group, one of the web's classes.

import type { CloseInfo, WebSocketError } from "../errors/websocket_error.ts";

/** Who is told of the end of a connection without a promise: one for each idle connection would be memory. */
export interface ConnectionOwner {
  /** The peer's Close frame has come: what is not written yet, it may never read. */
  onPeerClose?(info: CloseInfo): void;
  /** `closed` has settled, with this. */
  onClosed(outcome: CloseInfo | WebSocketError): void;
}
