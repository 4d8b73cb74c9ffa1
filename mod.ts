/**
 * WebSocket for Deno, Bun and Node: servers with plain HTTP on the same port, clients, and the handshake of both over any
 * byte connection; messages with back-pressure both ways.
 *
 * @example A server and a client
 * ```ts
 * import { connect, serve } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await serve({ port: 0 }, (socket) => socket.receive((message) => socket.send(message)));
 *
 * const socket = await connect(server.url!);
 * socket.send("Hello");
 * for await (const message of socket.readable) {
 *   assertEquals(message, "Hello");
 *   break; // closes the connection
 * }
 * await socket.closed;
 * ```
 *
 * @module
 */

export { type CloseInfo, WebSocketError, type WebSocketErrorInit } from "./src/errors/websocket_error.ts";
export {
  HandshakeError,
  type HandshakeErrorInit,
  type RequestHead,
  type ResponseHead,
} from "./src/errors/handshake_error.ts";
export type { HandshakeFailure, ProtocolFailure } from "./src/errors/failures.ts";
export type { Agreement } from "./src/protocol/agreement.ts";
export type { Decorator, HeadersInit, RequestDraft, ResponseDraft } from "./src/handshake/decorator.ts";
export type { CompressionOptions, DeflateAgreement, DeflateOffer } from "./src/protocol/compression_options.ts";
export type { Origins } from "./src/handshake/origin.ts";
export { type ExtendedConnect, extendedConnect } from "./src/handshake/extended_connect.ts";
export { confirm } from "./src/handshake/confirm.ts";
export { type Offer, offer, type OfferOptions } from "./src/handshake/offer.ts";
export { type Answer, answer, isUpgrade } from "./src/handshake/answer.ts";
export type { AnswerOptions, AuthorizeContext } from "./src/handshake/answer_options.ts";
export { prepare, type PreparedMessage, type PrepareOptions } from "./src/protocol/prepared_message.ts";
export type { BufferSource } from "./src/base/owned_bytes.ts";
export type { Message, SendOptions } from "./src/protocol/contract.ts";
export type { Clock } from "./src/base/clock.ts";
export type { ByteConnection, NetworkAddress } from "./src/transport/transport.ts";
export type { ConnectionOptions, StreamingOptions } from "./src/connection/connection_options.ts";
export type { MessagePieces, ReceivedOrPieces } from "./src/connection/incoming_pieces.ts";
export type { Pieces } from "./src/connection/pieces.ts";
export type {
  ConnectionState,
  MessageHandler,
  ReceiveOptions,
  WebSocketConnection,
} from "./src/connection/websocket_connection.ts";
export { Connections, type ConnectionsOptions } from "./src/group/connections.ts";
export type { BroadcastOptions, BroadcastReport, SlowMembers } from "./src/group/broadcast.ts";
export type { CloseAllOptions, CloseAllReport } from "./src/group/closing_all.ts";
export { attach, type AttachOptions } from "./src/server/attach.ts";
export { type ReadRequest, readRequest, type ReadRequestOptions } from "./src/server/read_request.ts";
export { writeResponse, type WriteResponseOptions } from "./src/server/write_response.ts";
export { basicAuth, type BasicAuthOptions } from "./src/server/basic_auth.ts";
export { accept } from "./src/server/accept.ts";
export type { Accepted } from "./src/server/accepted.ts";
export type { AcceptOptions } from "./src/server/accept_options.ts";
export { serve, type Server } from "./src/server/serve.ts";
export type { LimitContext, LimitOptions } from "./src/server/limit_options.ts";
export { RateLimit, type RateLimitOptions } from "./src/server/rate_limit.ts";
export type { ServerConnections } from "./src/server/server_connections.ts";
export type { ShutdownOptions } from "./src/server/shutdown_options.ts";
export type { HttpContext, ServeErrorContext, ServeHandlers, ServeOptions } from "./src/server/serve_options.ts";
export type { DialOptions } from "./src/client/dial_options.ts";
export { connect, type Connected } from "./src/client/connect.ts";
export type { ConnectOptions } from "./src/client/connect_options.ts";
export { reconnect } from "./src/client/reconnect.ts";
export type { Reconnecting } from "./src/client/reconnecting.ts";
export type { ReconnectAttempt, ReconnectOptions, ReconnectRetry } from "./src/client/reconnect_options.ts";
