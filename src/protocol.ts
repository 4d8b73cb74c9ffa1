/**
 * WebSocket as sans-I/O state machines: the handshake of either end, bytes to an agreement (RFC 6455 §4), and what follows,
 * bytes to messages and back under that agreement (RFC 6455 §5–§8). They are synchronous, have no clock, and their only
 * randomness is the client's key and masking keys. Push the peer's bytes in with `receive()`, and pull the bytes to write
 * out with `take()`. Chunks may be cut anywhere.
 *
 * @example Two machines back to back
 * ```ts
 * import { Protocol } from "@handfast/websocket/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * const received: (string | Uint8Array)[] = [];
 * const events = { message: (m: string | Uint8Array) => void received.push(m), close() {}, fail() {} };
 * const client = new Protocol({ role: "client", protocol: "", extensions: "" }, events);
 * const server = new Protocol({ role: "server", protocol: "", extensions: "" }, events);
 *
 * client.send("Hello");
 * for (let bytes; (bytes = client.take());) server.receive(bytes);
 *
 * assertEquals(received, ["Hello"]);
 * ```
 *
 * @module
 */

export { Protocol } from "./protocol/protocol.ts";
export { type RefusalInit, ServerHandshake, type ServerHandshakeOptions } from "./handshake/server_handshake.ts";
export { ClientHandshake, type ClientHandshakeOptions } from "./handshake/client_handshake.ts";
export type { Agreement } from "./protocol/agreement.ts";
export type { BufferSource } from "./base/owned_bytes.ts";
export type { CloseInfo, WebSocketError } from "./errors/websocket_error.ts";
export type { HandshakeError, RequestHead, ResponseHead } from "./errors/handshake_error.ts";
export type { HandshakeFailure, ProtocolFailure } from "./errors/failures.ts";
export type { MaskKeys } from "./protocol/mask.ts";
export { prepare, type PreparedMessage, type PrepareOptions } from "./protocol/prepared_message.ts";
export type { Message, ProtocolEvents, ProtocolOptions, SendOptions } from "./protocol/contract.ts";
