// Everything a peer or the network can do wrong, as two tables. Before the upgrade a failure has an HTTP status, after it
// a close code. Each row also names the section that was broken and gives one sentence: the body of the refusal, or the
// reason in the Close frame; and whether another attempt may succeed. A mistake of the caller's is in neither table: it is
// a `TypeError`, a `RangeError` or a `DOMException`.

import { isRetryableCode, isRetryableStatus } from "./retryable.ts";

/**
 * What went wrong before the upgrade, as the `failure` of a `HandshakeError`. Each code stands for one section of a
 * specification; those that a server finds also have an HTTP status.
 *
 * @example Failures of the network
 * ```ts
 * import { connect, type HandshakeFailure } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assert } from "@std/assert";
 *
 * const network: readonly HandshakeFailure[] = ["dial-failed", "connection-closed", "handshake-timeout"];
 * const [conn, server] = connectionPair();
 * server.reset();
 *
 * const error = await connect("ws://localhost/", { conn }).catch((error) => error);
 * assert(network.includes(error.failure));
 * ```
 */
export type HandshakeFailure =
  | "head-malformed"
  | "head-too-large"
  | "http2-malformed"
  | "http-version-unsupported"
  | "method-not-get"
  | "method-not-connect"
  | "method-unsupported"
  | "host-missing"
  | "host-invalid"
  | "body-present"
  | "body-malformed"
  | "body-too-large"
  | "upgrade-missing"
  | "connection-missing"
  | "connect-protocol-unsupported"
  | "key-missing"
  | "key-invalid"
  | "version-missing"
  | "version-unsupported"
  | "protocol-malformed"
  | "extension-malformed"
  | "origin-refused"
  | "unauthorized"
  | "too-many-connections"
  | "too-many-requests"
  | "server-stopping"
  | "handshake-timeout"
  | "connection-closed"
  | "status-not-101"
  | "status-not-200"
  | "accept-missing"
  | "accept-mismatch"
  | "extension-unrequested"
  | "protocol-unrequested"
  | "protocol-missing"
  | "http2-unsupported"
  | "dial-failed"
  | "proxy-refused"
  | "tls-failed"
  | "redirect-refused";

/**
 * What went wrong after the upgrade, as the `failure` of a `WebSocketError`. Each code stands for one section of a
 * specification and one close code.
 *
 * @example A frame without a masking key
 * ```ts
 * import { Protocol, type ProtocolFailure } from "@handfast/websocket/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * const failures: (ProtocolFailure | undefined)[] = [];
 * const machine = new Protocol({ role: "server", protocol: "", extensions: "" }, {
 *   message() {},
 *   close() {},
 *   fail: ({ failure }) => void failures.push(failure),
 * });
 * machine.receive(Uint8Array.of(0x81, 0x00));
 *
 * assertEquals(failures, ["mask-missing"]);
 * ```
 */
export type ProtocolFailure =
  | "rsv-set"
  | "opcode-reserved"
  | "mask-missing"
  | "mask-unexpected"
  | "control-fragmented"
  | "control-too-long"
  | "continuation-unexpected"
  | "continuation-expected"
  | "length-not-minimal"
  | "length-too-large"
  | "close-payload-short"
  | "close-code-invalid"
  | "close-reason-not-utf8"
  | "text-not-utf8"
  | "message-too-big"
  | "message-timeout"
  | "deflate-invalid"
  | "ping-timeout"
  | "send-buffer-full"
  | "connection-lost";

/** A row of the handshake table. */
export interface HandshakeRow {
  /** The status of the refusal; 0 when there is nobody to send one to. */
  readonly status: number;
  readonly section: string;
  /** The body of the refusal. */
  readonly sentence: string;
  /** Whether the same request may succeed later; `"by status"`: as the status of the response says. */
  readonly retryable: boolean | "by status";
}

function http(
  status: number,
  section: string,
  sentence: string,
  retryable: HandshakeRow["retryable"] = isRetryableStatus(status),
): HandshakeRow {
  return { status, section, sentence, retryable };
}

/** Failures before the upgrade. Those that only a client finds have the status 0: a client sends no response. */
export const handshakeFailures: Readonly<Record<HandshakeFailure, HandshakeRow>> = {
  "head-malformed": http(400, "RFC 9112 §2.2", "The head is not valid HTTP/1.1"),
  "head-too-large": http(431, "RFC 6585 §5", "The head is too large"),
  "http2-malformed": http(400, "RFC 9113 §8.1.1", "The head is not valid HTTP/2"),
  "http-version-unsupported": http(505, "RFC 6455 §4.2.1 (1)", "The HTTP version must be 1.1"),
  "method-not-get": http(405, "RFC 6455 §4.2.1 (1)", "The method must be GET"),
  "method-not-connect": http(405, "RFC 8441 §5", "The method must be CONNECT, with :protocol"),
  "method-unsupported": http(405, "RFC 9110 §15.5.6", "The method is not supported"),
  "host-missing": http(400, "RFC 9112 §3.2", "The Host field is missing"),
  "host-invalid": http(400, "RFC 9112 §3.2", "The authority is not valid"),
  "body-present": http(400, "RFC 9110 §9.3.1", "A request with this method must not have a body"),
  "body-malformed": http(400, "RFC 9112 §7.1", "The body is not framed as its head says"),
  "body-too-large": http(413, "RFC 9110 §15.5.14", "The body is too large"),
  "upgrade-missing": http(426, "RFC 6455 §4.2.1 (3)", "The Upgrade field must contain websocket"),
  "connection-missing": http(426, "RFC 6455 §4.2.1 (4)", "The Connection field must contain upgrade"),
  // The status is that of RFC 9220 §3
  "connect-protocol-unsupported": http(501, "RFC 8441 §5", "The pseudo-header field :protocol must be websocket"),
  "key-missing": http(400, "RFC 6455 §4.2.1 (5)", "The Sec-WebSocket-Key field is missing"),
  "key-invalid": http(400, "RFC 6455 §4.2.1 (5)", "Sec-WebSocket-Key must be one base64 value of 16 bytes"),
  "version-missing": http(400, "RFC 6455 §4.2.1 (6)", "The Sec-WebSocket-Version field is missing"),
  "version-unsupported": http(426, "RFC 6455 §4.2.2 (4)", "Sec-WebSocket-Version must be 13"),
  "protocol-malformed": http(400, "RFC 6455 §4.2.1 (8)", "Sec-WebSocket-Protocol must be a list of different tokens"),
  "extension-malformed": http(400, "RFC 6455 §9.1", "Sec-WebSocket-Extensions is malformed"),
  "origin-refused": http(403, "RFC 6455 §4.2.2 (4)", "The origin is not allowed"),
  "unauthorized": http(403, "RFC 6455 §4.2.2 (2)", "The request was refused by this server's policy", "by status"),
  "too-many-connections": http(503, "RFC 9110 §15.6.4", "The server has as many connections as it takes"),
  "too-many-requests": http(429, "RFC 6585 §4", "Too many connections come from this client"),
  "server-stopping": http(503, "RFC 9110 §15.6.4", "The server is stopping"),
  "handshake-timeout": http(408, "RFC 9110 §15.5.9", "The handshake did not finish in time"),
  "connection-closed": http(0, "RFC 9112 §8", "The connection ended before the handshake was complete", true),
  "status-not-101": http(0, "RFC 6455 §4.1 (1)", "The status is not 101", "by status"),
  "status-not-200": http(0, "RFC 8441 §5.1", "The status is not 200", "by status"),
  "accept-missing": http(0, "RFC 6455 §4.1 (4)", "The Sec-WebSocket-Accept field is missing"),
  "accept-mismatch": http(0, "RFC 6455 §4.1 (4)", "Sec-WebSocket-Accept does not match the key"),
  "extension-unrequested": http(0, "RFC 6455 §4.1 (5)", "The server uses an extension that was not offered"),
  "protocol-unrequested": http(0, "RFC 6455 §4.1 (6)", "The server chose a subprotocol that was not offered"),
  "protocol-missing": http(0, "WHATWG WebSockets §2.1", "The server chose none of the offered subprotocols"),
  "http2-unsupported": http(0, "RFC 8441 §3", "The server takes no WebSockets over HTTP/2"),
  "dial-failed": http(0, "RFC 6455 §4.1 (4)", "No connection to the server could be made", true),
  "proxy-refused": http(0, "RFC 6455 §4.1 (4)", "The proxy did not open a tunnel", "by status"),
  "tls-failed": http(0, "RFC 6455 §4.1 (5)", "The TLS handshake failed"),
  "redirect-refused": http(0, "RFC 9110 §15.4", "The redirect is not followed"),
};

/** A row of the protocol table. */
export interface ProtocolRow {
  /** The code in the Close frame; 1006 is never sent (RFC 6455 §7.1.5). */
  readonly closeCode: number;
  readonly section: string;
  /** The reason in the Close frame. */
  readonly sentence: string;
  /** Whether another connection may do better. */
  readonly retryable: boolean;
}

function close(closeCode: number, section: string, sentence: string): ProtocolRow {
  return { closeCode, section, sentence, retryable: isRetryableCode(closeCode) };
}

/** Failures after the upgrade. */
export const protocolFailures: Readonly<Record<ProtocolFailure, ProtocolRow>> = {
  "rsv-set": close(1002, "RFC 6455 §5.2", "A reserved bit is set"),
  "opcode-reserved": close(1002, "RFC 6455 §5.2", "The opcode is reserved"),
  "mask-missing": close(1002, "RFC 6455 §5.1", "A frame of a client must be masked"),
  "mask-unexpected": close(1002, "RFC 6455 §5.1", "A frame of a server must not be masked"),
  "control-fragmented": close(1002, "RFC 6455 §5.5", "A control frame must not be fragmented"),
  "control-too-long": close(1002, "RFC 6455 §5.5", "A control frame has more than 125 bytes"),
  "continuation-unexpected": close(1002, "RFC 6455 §5.4", "A continuation frame continues no message"),
  "continuation-expected": close(1002, "RFC 6455 §5.4", "A new message begins inside another"),
  "length-not-minimal": close(1002, "RFC 6455 §5.2", "A payload length is not in its shortest form"),
  "length-too-large": close(1002, "RFC 6455 §5.2", "The first bit of a 64-bit length is set"),
  "close-payload-short": close(1002, "RFC 6455 §5.5.1", "A Close frame has a payload of one byte"),
  "close-code-invalid": close(1002, "RFC 6455 §7.4", "A Close frame has a code that must not be sent"),
  "close-reason-not-utf8": close(1007, "RFC 6455 §8.1", "The reason of a Close frame is not UTF-8"),
  "text-not-utf8": close(1007, "RFC 6455 §8.1", "A text message is not UTF-8"),
  "deflate-invalid": close(1007, "RFC 7692 §7.2.2", "A compressed message can't be inflated"),
  "message-too-big": close(1009, "RFC 6455 §7.4.1", "The message is too big"),
  "message-timeout": close(1008, "RFC 6455 §7.4.1", "The message does not end"),
  "ping-timeout": close(1006, "RFC 6455 §7.1.5", "The peer does not answer"),
  "send-buffer-full": close(1006, "RFC 6455 §10.4", "The peer reads too slowly"),
  "connection-lost": close(1006, "RFC 6455 §7.1.5", "The connection ended without a closing handshake"),
};
