// What can go wrong between two peers, as two tables: a handshake failure has an HTTP status, a protocol failure has a
// close code. A row is one code, the section that demands it and one sentence, which is also the body of the refusal or
// the reason of the Close frame. Misuse by our own caller is in neither table: it is a `TypeError`, a `RangeError` or a
// `DOMException`.

/**
 * A code of the handshake table: what was wrong before the upgrade. Each has a section, and on a server a status.
 *
 * @example What is worth another attempt
 * ```ts
 * import { connect, type HandshakeFailure } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assert } from "@std/assert";
 *
 * const transient: readonly HandshakeFailure[] = ["connection-closed", "handshake-timeout"];
 * const [conn, server] = connectionPair();
 * server.reset();
 *
 * const error = await connect("ws://localhost/", { conn }).catch((error) => error);
 * assert(transient.includes(error.failure));
 * ```
 */
export type HandshakeFailure =
  | "head-malformed"
  | "head-too-large"
  | "http-version-unsupported"
  | "method-not-get"
  | "method-unsupported"
  | "host-missing"
  | "host-invalid"
  | "body-present"
  | "body-malformed"
  | "body-too-large"
  | "upgrade-missing"
  | "connection-missing"
  | "key-missing"
  | "key-invalid"
  | "version-missing"
  | "version-unsupported"
  | "protocol-malformed"
  | "extension-malformed"
  | "origin-refused"
  | "unauthorized"
  | "handshake-timeout"
  | "connection-closed"
  | "status-not-101"
  | "accept-missing"
  | "accept-mismatch"
  | "extension-unrequested"
  | "protocol-unrequested"
  | "protocol-missing"
  | "dial-failed"
  | "proxy-refused"
  | "tls-failed"
  | "redirect-refused";

/**
 * A code of the protocol table: what was wrong after the upgrade. Each has a section and a close code.
 *
 * @example A frame without a mask
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
  | "deflate-invalid"
  | "ping-timeout"
  | "connection-lost";

/** A row of the handshake table. */
export interface HandshakeRow {
  /** The status of the refusal; 0 when there is nothing to answer, or nobody to answer to. */
  readonly status: number;
  readonly section: string;
  readonly sentence: string;
}

/** Before the upgrade. What only a client finds has no status: a client answers nothing. */
export const handshakeFailures: Readonly<Record<HandshakeFailure, HandshakeRow>> = {
  "head-malformed": { status: 400, section: "RFC 9112 §2.2", sentence: "The head is not valid HTTP/1.1" },
  "head-too-large": { status: 431, section: "RFC 6585 §5", sentence: "The head is too large" },
  "http-version-unsupported": {
    status: 505,
    section: "RFC 6455 §4.2.1 (1)",
    sentence: "The HTTP version must be 1.1",
  },
  "method-not-get": { status: 405, section: "RFC 6455 §4.2.1 (1)", sentence: "The method must be GET" },
  "method-unsupported": { status: 405, section: "RFC 9110 §15.5.6", sentence: "The method is not supported" },
  "host-missing": { status: 400, section: "RFC 9112 §3.2", sentence: "The Host field is missing" },
  "host-invalid": { status: 400, section: "RFC 9112 §3.2", sentence: "The authority is not valid" },
  "body-present": {
    status: 400,
    section: "RFC 9110 §9.3.1",
    sentence: "A request with this method must not have a body",
  },
  "body-malformed": { status: 400, section: "RFC 9112 §7.1", sentence: "The body is not framed as its head says" },
  "body-too-large": { status: 413, section: "RFC 9110 §15.5.14", sentence: "The body is too large" },
  "upgrade-missing": {
    status: 426,
    section: "RFC 6455 §4.2.1 (3)",
    sentence: "The Upgrade field must contain websocket",
  },
  "connection-missing": {
    status: 426,
    section: "RFC 6455 §4.2.1 (4)",
    sentence: "The Connection field must contain upgrade",
  },
  "key-missing": {
    status: 400,
    section: "RFC 6455 §4.2.1 (5)",
    sentence: "The Sec-WebSocket-Key field is missing",
  },
  "key-invalid": {
    status: 400,
    section: "RFC 6455 §4.2.1 (5)",
    sentence: "Sec-WebSocket-Key must be one base64 value of 16 bytes",
  },
  "version-missing": {
    status: 400,
    section: "RFC 6455 §4.2.1 (6)",
    sentence: "The Sec-WebSocket-Version field is missing",
  },
  "version-unsupported": {
    status: 426,
    section: "RFC 6455 §4.2.2 (4)",
    sentence: "Sec-WebSocket-Version must be 13",
  },
  "protocol-malformed": {
    status: 400,
    section: "RFC 6455 §4.2.1 (8)",
    sentence: "Sec-WebSocket-Protocol must be a list of different tokens",
  },
  "extension-malformed": {
    status: 400,
    section: "RFC 6455 §9.1",
    sentence: "Sec-WebSocket-Extensions is malformed",
  },
  "origin-refused": { status: 403, section: "RFC 6455 §4.2.2 (4)", sentence: "The origin is not allowed" },
  "unauthorized": {
    status: 403,
    section: "RFC 6455 §4.2.2 (2)",
    sentence: "The request was refused by this server's policy",
  },
  "handshake-timeout": {
    status: 408,
    section: "RFC 9110 §15.5.9",
    sentence: "The handshake did not finish in time",
  },
  "connection-closed": {
    status: 0,
    section: "RFC 9112 §8",
    sentence: "The connection ended before the handshake was complete",
  },
  "status-not-101": { status: 0, section: "RFC 6455 §4.1 (1)", sentence: "The status is not 101" },
  "accept-missing": {
    status: 0,
    section: "RFC 6455 §4.1 (4)",
    sentence: "The Sec-WebSocket-Accept field is missing",
  },
  "accept-mismatch": {
    status: 0,
    section: "RFC 6455 §4.1 (4)",
    sentence: "Sec-WebSocket-Accept does not fit the key",
  },
  "extension-unrequested": {
    status: 0,
    section: "RFC 6455 §4.1 (5)",
    sentence: "The server uses an extension that was not offered",
  },
  "protocol-unrequested": {
    status: 0,
    section: "RFC 6455 §4.1 (6)",
    sentence: "The server chose a subprotocol that was not offered",
  },
  "protocol-missing": {
    status: 0,
    section: "WHATWG WebSockets §2.1",
    sentence: "The server chose none of the offered subprotocols",
  },
  "dial-failed": { status: 0, section: "RFC 6455 §4.1 (4)", sentence: "No connection to the server could be made" },
  "proxy-refused": { status: 0, section: "RFC 6455 §4.1 (4)", sentence: "The proxy did not open a tunnel" },
  "tls-failed": { status: 0, section: "RFC 6455 §4.1 (5)", sentence: "The TLS handshake failed" },
  "redirect-refused": { status: 0, section: "RFC 9110 §15.4", sentence: "The redirect is not followed" },
};

/** A row of the protocol table. */
export interface ProtocolRow {
  /** The code of the Close frame; 1006 is never sent (RFC 6455 §7.1.5). */
  readonly closeCode: number;
  readonly section: string;
  readonly sentence: string;
}

/** After the upgrade. */
export const protocolFailures: Readonly<Record<ProtocolFailure, ProtocolRow>> = {
  "rsv-set": { closeCode: 1002, section: "RFC 6455 §5.2", sentence: "A reserved bit is set" },
  "opcode-reserved": { closeCode: 1002, section: "RFC 6455 §5.2", sentence: "The opcode is reserved" },
  "mask-missing": { closeCode: 1002, section: "RFC 6455 §5.1", sentence: "A frame of a client must be masked" },
  "mask-unexpected": {
    closeCode: 1002,
    section: "RFC 6455 §5.1",
    sentence: "A frame of a server must not be masked",
  },
  "control-fragmented": {
    closeCode: 1002,
    section: "RFC 6455 §5.5",
    sentence: "A control frame must not be fragmented",
  },
  "control-too-long": {
    closeCode: 1002,
    section: "RFC 6455 §5.5",
    sentence: "A control frame has more than 125 bytes",
  },
  "continuation-unexpected": {
    closeCode: 1002,
    section: "RFC 6455 §5.4",
    sentence: "A continuation frame continues no message",
  },
  "continuation-expected": {
    closeCode: 1002,
    section: "RFC 6455 §5.4",
    sentence: "A new message begins inside another",
  },
  "length-not-minimal": {
    closeCode: 1002,
    section: "RFC 6455 §5.2",
    sentence: "A payload length is not in its shortest form",
  },
  "length-too-large": {
    closeCode: 1002,
    section: "RFC 6455 §5.2",
    sentence: "The first bit of a 64-bit length is set",
  },
  "close-payload-short": {
    closeCode: 1002,
    section: "RFC 6455 §5.5.1",
    sentence: "A Close frame has a payload of one byte",
  },
  "close-code-invalid": {
    closeCode: 1002,
    section: "RFC 6455 §7.4",
    sentence: "A Close frame has a code that must not be sent",
  },
  "close-reason-not-utf8": {
    closeCode: 1007,
    section: "RFC 6455 §8.1",
    sentence: "The reason of a Close frame is not UTF-8",
  },
  "text-not-utf8": { closeCode: 1007, section: "RFC 6455 §8.1", sentence: "A text message is not UTF-8" },
  "deflate-invalid": {
    closeCode: 1007,
    section: "RFC 7692 §7.2.2",
    sentence: "A compressed message can't be inflated",
  },
  "message-too-big": { closeCode: 1009, section: "RFC 6455 §7.4.1", sentence: "The message is too big" },
  "ping-timeout": { closeCode: 1006, section: "RFC 6455 §7.1.5", sentence: "The peer does not answer" },
  "connection-lost": {
    closeCode: 1006,
    section: "RFC 6455 §7.1.5",
    sentence: "The connection ended without a closing handshake",
  },
};
