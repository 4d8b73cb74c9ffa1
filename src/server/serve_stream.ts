// One request of a server on a stream of HTTP/2: a WebSocket, or plain HTTP for the handler `http`, as on a connection.

import { unlessAborted } from "../base/abort.ts";
import { HandshakeError } from "../errors/handshake_error.ts";
import type { Problem } from "../errors/problem.ts";
import { isUpgrade } from "../handshake/answer.ts";
import { expectsContinue, headOf, type ParsedRequest, rememberHead } from "../http/request_head.ts";
import { discardBody } from "../http/response.ts";
import { type RequestStream, RESPOND } from "../runtime/request_stream.ts";
import type { OwnedTransport } from "../transport/owned_transport.ts";
import { readToEnd } from "../transport/read_to_end.ts";
import { TRANSPORT } from "../transport/transport.ts";
import { acceptStream, openStream } from "./accept_stream.ts";
import { RequestBody } from "./request_body.ts";
import type { HttpContext } from "./serve_options.ts";
import { type ConnectionHost, Served } from "./served.ts";
import { respondOnStream } from "./stream_response.ts";

/** One stream. Of what it is made it keeps the transport alone: its request may be let go before it ends. */
export class ServeStream extends Served<OwnedTransport> {
  constructor(stream: RequestStream, host: ConnectionHost) {
    super(stream[TRANSPORT](), host);
  }

  /** Serves its request. */
  async run(stream: RequestStream): Promise<void> {
    const { handlers } = this.host.options, head = headOf(stream.request);
    this.keepAddress();
    const problem = this.host.stopping ?? this.host.limits.enter(this, this.transport);
    if (!problem && handlers.http && head && !isUpgrade(head)) await this.#serveHttp(stream, head);
    else if (await this.#accept(stream, problem)) return;
    this.leave();
  }

  stopIdle(): void {} // its request is there

  protected drop(reason: unknown): void {
    this.transport.lose(reason);
  }

  /** Gives whether it has become a WebSocket. */
  async #accept(stream: RequestStream, problem: Problem | undefined): Promise<boolean> {
    const { accepting: options } = this.host.options, { limits } = this.host;
    try {
      const accepted = await acceptStream(stream, options, (request) => {
        return problem ?? this.host.stopping ??
          (isUpgrade(request) ? limits.reserve(this, request, this.transport) : undefined);
      });
      this.open(openStream(accepted, options, this));
      return true;
    } catch (error) {
      limits.giveUp(this);
      this.report(error instanceof HandshakeError ? "peer" : "handshake", error, stream.request);
      return false;
    }
  }

  async #serveHttp(stream: RequestStream, head: ParsedRequest): Promise<void> {
    const { accepting: { connection: { clock }, handshakeTimeout: timeout } } = this.host.options;
    const asking = new AbortController();
    let answer: HttpAnswer;
    try {
      answer = await this.#answer(stream, head, asking);
    } catch (error) { // nobody waits for an answer any more
      this.transport.abort();
      return this.report("peer", error, head);
    }
    const { response, requestBody } = answer;
    try {
      const options = { clock, timeout, isPaced: true, ...(requestBody && { requestBody }) };
      await respondOnStream(stream, this.transport, response, options);
    } catch (error) { // its body has failed, perhaps with that of the request
      this.report(requestBody?.problem ? "peer" : "http", error, head);
    }
  }

  async #answer(stream: RequestStream, head: ParsedRequest, asking: AbortController): Promise<HttpAnswer> {
    const problem = await this.#findUnreadable(stream, head);
    if (problem) return { response: this.refuseHttp(problem, head) };
    const requestBody = this.#bodyOf(stream, head, asking), request = toRequest(head, stream.hasBody, requestBody);
    if ("failure" in request) return { response: this.refuseHttp(request, head), requestBody };
    const transport = this.transport, { signal } = asking;
    const context: HttpContext = {
      signal,
      get remoteAddr() {
        return transport.remoteAddr;
      },
      get localAddr() {
        return transport.localAddr;
      },
    };
    const handling = this.askHandler(request, context, () => {
      return requestBody.problem && this.refuseHttp(requestBody.problem, head);
    });
    return { response: await unlessAborted(handling, signal, discardBody), requestBody };
  }

  /** What is wrong with a request, as far as its head shows. */
  async #findUnreadable(stream: RequestStream, head: ParsedRequest): Promise<Problem | undefined> {
    const { accepting: { connection: { clock }, handshakeTimeout: timeout, maxHeadSize }, maxBodySize } =
      this.host.options;
    const { method, headers } = head;
    if (headers.length + head.target.length > maxHeadSize) {
      return { failure: "head-too-large", detail: `the head has more than ${maxHeadSize} bytes` };
    }
    if (/^(?:CONNECT|TRACE|TRACK)$/i.test(method)) {
      return { failure: "method-unsupported", detail: `the method is ${method}` };
    }
    if (Number(headers.get("content-length")) > maxBodySize) {
      return { failure: "body-too-large", detail: `the body has more than ${maxBodySize} bytes` };
    }
    if (!stream.hasBody || !isBodiless(method)) return undefined;
    const { ending } = await readToEnd(this.transport, { limit: 0, clock, timeout });
    if (ending === "end") return undefined;
    if (ending === "limit") return { failure: "body-present", detail: `a ${method} has a body` };
    if (ending === "late") {
      return { failure: "handshake-timeout", detail: `the time limit of ${timeout} ms has passed` };
    }
    throw new HandshakeError("connection-closed", "Cannot answer the request: the stream was lost", { request: head });
  }

  #bodyOf(stream: RequestStream, head: ParsedRequest, asking: AbortController): RequestBody {
    const { maxBodySize: limit, accepting: { connection: { clock }, handshakeTimeout: timeout } } = this.host.options;
    return new RequestBody(this.transport, {
      head,
      limit,
      clock,
      timeout,
      onFirstRead: () => {
        if (expectsContinue(head)) stream[RESPOND](100, []); // RFC 9110 §10.1.1
      },
      onLost: (error) => asking.abort(error),
    });
  }
}

/** A response, and the body of its request, unless that is not read. */
interface HttpAnswer {
  readonly response: Response;
  readonly requestBody?: RequestBody;
}

/** Whether a request with this method has no body that a handler could read. */
function isBodiless(method: string): boolean {
  return /^(?:GET|HEAD)$/i.test(method);
}

function toRequest(head: ParsedRequest, hasBody: boolean, { stream }: RequestBody): Request | Problem {
  const { method, headers, url } = head, body = hasBody && !isBodiless(method) ? stream : null;
  try {
    const request = new Request(url, { method, headers: [...headers], body, duplex: "half" } as RequestInit);
    rememberHead(request, head);
    return request;
  } catch {
    return { failure: "method-unsupported", detail: `this runtime has no requests with the method ${method}` };
  }
}
