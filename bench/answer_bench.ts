// The server's half of the handshake (src/handshake/answer.ts): from a request that was read to the fields of the 101,
// beside a `Request`, its checks, and a `Response`.

import { createHash } from "node:crypto";
import { answer } from "../src/handshake/answer.ts";
import { checkAnswerOptions } from "../src/handshake/answer_options.ts";
import { decide } from "../src/handshake/decide.ts";
import { acceptValue } from "../src/handshake/accept_value.ts";
import { switchingProtocols } from "../src/http/response.ts";
import { type ParsedRequest, parseRequest } from "../src/http/request_head.ts";
import { browser } from "../tests/cases/requests_upgrade.ts";
import { latin1 } from "../tests/kit/harness.ts";
import { compare } from "./harness.ts";

const read = parseRequest(latin1(browser.bytes)) as ParsedRequest;
const key = read.headers.get("sec-websocket-key")!;
const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

async function bySubtle(key: string): Promise<string> {
  const bytes = new TextEncoder().encode(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
  return btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest("SHA-1", bytes))));
}

function byNode(key: string): string {
  return createHash("sha1").update(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
}

await compare("answer: the accept value", ACCEPT, {
  "crypto.subtle, btoa()": () => bySubtle(key),
  "node:crypto": () => byNode(key),
  "acceptValue()": () => acceptValue(key),
});

/** As one would write it with what the platform has. */
async function plainly(accept: (key: string) => string | Promise<string>): Promise<string | null> {
  const request = new Request(read.url, { headers: [...read.headers] });
  const { headers } = request,
    has = (name: string, word: string) => {
      return headers.get(name)?.split(",").some((value) => value.trim().toLowerCase() === word);
    };
  const origin = headers.get("origin");
  const isGood = request.method === "GET" && has("upgrade", "websocket") && has("connection", "upgrade") &&
    headers.get("sec-websocket-version") === "13" && /^[A-Za-z0-9+/]{22}==$/.test(headers.get("sec-websocket-key")!) &&
    (origin === null || new URL(origin).host === new URL(request.url).host);
  if (!isGood) throw new Error("The request is no upgrade");
  const response = switchingProtocols([
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Accept", await accept(headers.get("sec-websocket-key")!)],
  ]);
  return response.headers.get("sec-websocket-accept");
}

const CHECKED = checkAnswerOptions({});

await compare("answer: a browser's request", ACCEPT, {
  "Request, crypto.subtle, Response": () => plainly(bySubtle),
  "Request, node:crypto, Response": () => plainly(byNode),
  "answer(), with its Response": async () => (await answer(read)).response.headers.get("sec-websocket-accept"),
  "decide(), as accept() does": async () => {
    const decision = await decide(read, CHECKED);
    if (decision.error) throw decision.error;
    return decision.head.fields.find(([name]) => name === "Sec-WebSocket-Accept")![1];
  },
});
