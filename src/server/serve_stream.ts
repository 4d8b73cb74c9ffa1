// One request of a server on a stream of HTTP/2: a WebSocket, or plain HTTP for the handler `http`, as on a connection.

import { unlessAborted } from "../base/abort.ts";
import { HandshakeError } from "../errors/handshake_error.ts";
import { ExchangeError, type Problem } from "../errors/problem.ts";
import { refuse } from "../handshake/refusal.ts";
import { isUpgrade } from "../handshake/answer.ts";
import { headOf, type ParsedRequest, rememberHead } from "../http/request_head.ts";
import { discardBody } from "../http/response.ts";
import type { RequestStream } from "../runtime/request_stream.ts";
import { readToEnd } from "../transport/read_to_end.ts";
import { TRANSPORT } from "../transport/transport.ts";
import { acceptStream, openStream } from "./accept_stream.ts";
import { serverError } from "./respond.ts";
import type { HttpContext } from "./serve_options.ts";
import { type ConnectionHost, Served } from "./served.ts";
import { respondOnStream } from "./stream_response.ts";

/** One stream. */
export class ServeStream extends Served {
  readonly #stream: RequestStream;

  constructor(stream: RequestStream, host: ConnectionHost) {
    super(stream[TRANSPORT](), host);
    this.#stream = stream;
  }

  async run(): Promise<void> {
    const { handlers } = this.host.options, head = headOf(this.#stream.request);
    this.keepAddress();
    const problem = this.host.stopping ?? this.host.limits.enter(this, this.transport);
    if (!problem && handlers.http && head && !isUpgrade(head)) await this.#serveHttp(head);
    else if (await this.#accept(problem)) return;
    this.leave();
  }

  stopIdle(): void {} // its request is there

  protected drop(): void {
    this.transport.abort();
  }

  /** Gives whether it has become a WebSocket. */
  async #accept(problem: Problem | undefined): Promise<boolean> {
    const { accepting: options } = this.host.options, { limits } = this.host;
    try {
      const accepted = await acceptStream(this.#stream, options, (request) => {
        return problem ?? this.host.stopping ??
          (isUpgrade(request) ? limits.reserve(this, request, this.transport) : undefined);
      });
      this.open(openStream(accepted, options, this));
      return true;
    } catch (error) {
      limits.giveUp(this);
      this.report(error instanceof HandshakeError ? "peer" : "handshake", error, this.#stream.request);
      return false;
    }
  }

  async #serveHttp(head: ParsedRequest): Promise<void> {
    const { accepting: { connection: { clock }, handshakeTimeout: timeout } } = this.host.options;
    const asking = new AbortController();
    let response: Response;
    try {
      response = await this.#answer(head, asking);
    } catch (error) { // nobody waits for an answer any more
      this.transport.abort();
      return this.report("peer", error, head);
    }
    try {
      const onLost = () => asking.abort(unanswered(head));
      await respondOnStream(this.#stream, this.transport, response, { clock, timeout, isPaced: true, onLost });
    } catch (error) {
      this.report("http", error, head); // its body has failed
    }
  }

  async #answer(head: ParsedRequest, asking: AbortController): Promise<Response> {
    const { maxBodySize, accepting: { headers } } = this.host.options;
    const request = await this.#readRequest(head, maxBodySize);
    if ("failure" in request) {
      try {
        const { response, error } = refuse(request, headers, head);
        this.report("peer", error, head);
        return response;
      } catch (error) {
        this.report("handshake", error, head);
        return serverError();
      }
    }
    const transport = this.transport, { signal } = asking, leave = () => asking.abort(unanswered(head));
    transport.start({ onData() {}, onEnd() {}, onDrained() {}, onLost: leave });
    const context: HttpContext = {
      signal,
      get remoteAddr() {
        return transport.remoteAddr;
      },
      get localAddr() {
        return transport.localAddr;
      },
    };
    return await unlessAborted(this.askHandler(request, context), signal, discardBody);
  }

  /** Reads the body, and makes the `Request`. */
  async #readRequest(head: ParsedRequest, limit: number): Promise<Request | Problem> {
    const { accepting: { connection: { clock }, handshakeTimeout: timeout, maxHeadSize } } = this.host.options;
    const { method, headers } = head;
    if (headers.length + head.target.length > maxHeadSize) {
      return { failure: "head-too-large", detail: `the head has more than ${maxHeadSize} bytes` };
    }
    if (/^(?:CONNECT|TRACE|TRACK)$/i.test(method)) {
      return { failure: "method-unsupported", detail: `the method is ${method}` };
    }
    const { bytes, ending } = await readToEnd(this.transport, { limit, clock, timeout });
    if (ending === "lost") throw unanswered(head);
    if (ending === "late") {
      return { failure: "handshake-timeout", detail: `the time limit of ${timeout} ms has passed` };
    }
    if (ending === "limit") return { failure: "body-too-large", detail: `the body has more than ${limit} bytes` };
    const hasBody = !/^(?:GET|HEAD)$/i.test(method);
    if (!hasBody && bytes.length > 0) return { failure: "body-present", detail: `a ${method} has a body` };
    try {
      const body = hasBody && bytes.length > 0 ? bytes : null;
      const request = new Request(head.url, { method, headers: [...headers], body });
      rememberHead(request, head);
      return request;
    } catch {
      return { failure: "method-unsupported", detail: `this runtime has no requests with the method ${method}` };
    }
  }
}

/** A client that was lost before its request was answered. */
function unanswered(request: ParsedRequest): HandshakeError {
  const cause = new ExchangeError("connection-closed", "the stream was lost");
  return new HandshakeError("connection-closed", `Cannot answer the request: ${cause.message}`, { cause, request });
}
