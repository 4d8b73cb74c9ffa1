import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { type Answer, answer, isUpgrade } from "../../src/handshake/answer.ts";
import { type AnswerOptions, checkAnswerOptions } from "../../src/handshake/answer_options.ts";
import { decide } from "../../src/handshake/decide.ts";
import { refuse } from "../../src/handshake/refusal.ts";
import type { RequestHead } from "../../src/errors/handshake_error.ts";
import { handshakeFailures } from "../../src/errors/failures.ts";
import { HeadReader } from "../../src/http/head_reader.ts";
import { parseRequest } from "../../src/http/request_head.ts";
import { offer } from "../../src/handshake/offer.ts";
import { checkAcceptOptions } from "../../src/server/accept_options.ts";
import { requestOf } from "../cases/request_of.ts";
import { type RequestRow, requests } from "../cases/requests.ts";
import { latin1, test } from "../kit/harness.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/** The request of RFC 6455 §1.2, but for the changes. */
function upgrade(changes: Record<string, string | null> = {}, method = "GET"): Request {
  const fields = {
    host: "h",
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-key": KEY,
    "sec-websocket-version": "13",
    ...changes,
  };
  const headers = Object.entries(fields).filter((field): field is [string, string] => field[1] !== null);
  return new Request("http://h/chat", { method, headers });
}

/** The answer to the bytes of a row; `undefined` when they end too soon. */
async function answerBytes(row: RequestRow): Promise<Pick<Answer, "response" | "error"> | undefined> {
  const options = row.options ?? {};
  const found = new HeadReader(options.maxHeadSize ?? 16384, 1).push(latin1(row.bytes + (row.rest ?? "")));
  if (!found) return undefined;
  const head = "failure" in found ? found : parseRequest(found.head);
  return "failure" in head ? refuse(head) : await answer(head, options);
}

/** Whether a list has a member, or is not there. */
function carries(response: Response, name: string, value: string | null): boolean {
  const field = response.headers.get(name);
  if (value === null || field === null) return field === value;
  return field.split(",").some((member) => member.trim() === value);
}

async function check(row: RequestRow, given: Pick<Answer, "response" | "error"> | undefined): Promise<void> {
  if (!given) return assertEquals(row.expect, "connection-closed", row.name);
  const { response, error } = given;
  assertEquals(error?.failure ?? "upgrade", row.expect, row.name);
  assertEquals(response.status, row.status, row.name);
  for (const [name, value] of Object.entries(row.fields)) {
    assert(carries(response, name, value), `${row.name}: ${name} is ${response.headers.get(name)}`);
  }
  const body = await response.text();
  assertEquals(body, error ? handshakeFailures[error.failure].sentence + "\n" : "", row.name);
  if (error) assertEquals(error.section, handshakeFailures[error.failure].section);
}

test("answer() says of every row of the requests what it must (RFC 6455 §4.2)", async () => {
  for (const row of requests) await check(row, await answerBytes(row));
});

test("answer() says the same of a standard Request, where one can show it (RFC 6455 §4.2)", async () => {
  let count = 0;
  for (const row of requests) {
    if (row.evidence !== "request") continue;
    await check(row, await answer(requestOf(row), row.options));
    count++;
  }
  assert(count > 150, `${count} rows`);
});

test("answer() takes host and port from the URL where there is no Host (RFC 6455 §10.2)", async () => {
  const { agreement } = await answer(upgrade({ host: null, origin: "http://h" }));
  assert(agreement);
  const { error } = await answer(upgrade({ host: null, origin: "http://other" }));
  assertEquals(error?.failure, "origin-refused");
});

test("isUpgrade() routes what asks for a WebSocket (RFC 6455 §4.2.1 (1), (3), (4))", () => {
  assert(isUpgrade(upgrade()));
  assert(isUpgrade(upgrade({ upgrade: "h2c, WebSocket", connection: "keep-alive, upgrade" })));
  assert(isUpgrade(upgrade({ "sec-websocket-key": null, "sec-websocket-version": "8" })));
  for (const other of [upgrade({ upgrade: null }), upgrade({ connection: "close" }), upgrade({}, "POST")]) {
    assert(!isUpgrade(other));
  }
  // RFC 9110 §7.8: Upgrade is to be ignored in HTTP/1.0
  const fields = "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
  const head = (version: string) => parseRequest(latin1(`GET / ${version}\r\nHost: h\r\n${fields}`)) as RequestHead;
  assertEquals([isUpgrade(head("HTTP/1.1")), isUpgrade(head("HTTP/1.0"))], [true, false]);
});

test("answer() chooses by the server's order, or by its function (RFC 6455 §4.2.2 (4))", async () => {
  const request = () => upgrade({ "sec-websocket-protocol": "a, b" });
  const chosen = async (protocols: AnswerOptions["protocols"], of = request()) => {
    const { agreement, response } = await answer(of, { protocols });
    assertEquals(response.headers.get("sec-websocket-protocol") ?? "", agreement?.protocol);
    return agreement?.protocol;
  };
  assertEquals(await chosen(undefined), "");
  assertEquals(await chosen(["c", "b", "a"]), "b");
  assertEquals(await chosen(["c"]), "");
  assertEquals(await chosen((offered) => offered.at(-1)), "b");
  assertEquals(await chosen(() => undefined), "");
  assertEquals(await chosen((offered) => offered[0], upgrade()), "");
});

test("answer() rejects when a function chooses what was not offered (RFC 6455 §4.2.2 (4))", async () => {
  for (const choice of ["c", "A", "", "a, b", "a\r\nX: y", 1, null, Promise.resolve("a")]) {
    const options = { protocols: () => choice as string };
    await assertRejects(() => answer(upgrade({ "sec-websocket-protocol": "a" }), options), TypeError, "not offered");
  }
});

test("checkAnswerOptions() refuses options that can't be meant", async () => {
  const wrong: AnswerOptions[] = [{ protocols: ["a b"] }, { protocols: [""] }, { protocols: ["a\r\nX: y"] }];
  wrong.push({ origins: "https://a.example" as "any" }, { headers: { Upgrade: "x" } }, { headers: { x: "a\r\nb" } });
  wrong.push({ headers: { host: "x" } }, { headers: { "Content-Length": "0" } });
  for (const options of wrong) {
    assertThrows(() => checkAnswerOptions(options), TypeError);
    await assertRejects(() => answer(upgrade(), options), TypeError);
  }
});

test("answer() decorates the 101 and the refusal alike", async () => {
  const seen: unknown[] = [];
  const request = upgrade(), bad = upgrade({ "sec-websocket-key": null });
  const headers: AnswerOptions["headers"] = (head, of) => {
    seen.push([head.status, of === request || of === bad, head.headers.get("content-type")]);
    head.headers.set("Server", "me");
    head.headers.delete("Content-Type");
    head.headers.append("Set-Cookie", "a=1");
    head.headers.append("Set-Cookie", "b=2");
  };
  for (const asked of [request, bad]) {
    const { response } = await answer(asked, { headers });
    assertEquals([response.headers.get("server"), response.headers.getSetCookie()], ["me", ["a=1", "b=2"]]);
  }
  assertEquals(seen, [[101, true, null], [400, true, "text/plain; charset=utf-8"]]);
  const { response } = await answer(bad, { headers: { "X-A": "b", "content-type": "text/x" } });
  assertEquals([response.headers.get("x-a"), response.headers.get("content-type")], ["b", "text/x"]);
});

test("answer() rejects when a decorator changes what it must not (RFC 6455 §4.2.2)", async () => {
  const wrong: AnswerOptions["headers"][] = [async () => await undefined];
  for (const name of ["Upgrade", "Connection", "Sec-WebSocket-Accept", "Sec-WebSocket-Extensions", "Host"]) {
    wrong.push(({ headers }) => headers.set(name, "x"));
  }
  for (const name of ["Content-Length", "Transfer-Encoding", "Sec-WebSocket-Protocol"]) {
    wrong.push(({ headers }) => headers.append(name, "x"));
  }
  wrong.push(({ headers }) => headers.set("x", "a\r\nb"));
  const requests = [upgrade(), upgrade({ "sec-websocket-version": "8" })];
  for (const headers of wrong) {
    for (const request of requests) await assertRejects(() => answer(request, { headers }), TypeError);
  }
});

test("answer() asks a policy last, with the request and a signal (RFC 6455 §4.2.2 (2))", async () => {
  let asked = 0;
  const { signal } = new AbortController();
  const request = upgrade();
  const authorize: AnswerOptions["authorize"] = (of, context) => {
    asked++;
    assertStrictEquals(of, request);
    assertStrictEquals(context.signal, signal);
    return undefined;
  };
  assert((await answer(request, { authorize, signal })).agreement);
  assert((await answer(upgrade({ origin: "http://evil.example" }), { authorize, signal })).error);
  assertEquals(asked, 1);
  const patient: AnswerOptions["authorize"] = async (_, context) => {
    assert(context.signal instanceof AbortSignal);
    return await Promise.resolve(undefined);
  };
  assert((await answer(request, { authorize: patient })).agreement);
});

test("answer() sends a policy's Response, decorated", async () => {
  const body = new Response("Who are you?", {
    status: 401,
    statusText: "Who",
    headers: [["WWW-Authenticate", "Basic"], ["Set-Cookie", "a"], ["Set-Cookie", "b"], ["Content-Length", "12"]],
  });
  const { response, error } = await answer(upgrade(), { authorize: () => body, headers: { server: "me" } });
  assertEquals([error?.failure, error?.response === response], ["unauthorized", true]);
  assertEquals([response.status, response.statusText, await response.text()], [401, "Who", "Who are you?"]);
  assertEquals(response.headers.getSetCookie(), ["a", "b"]);
  assertEquals([response.headers.get("server"), response.headers.get("content-length")], ["me", "12"]);
  const bare = await answer(upgrade(), { authorize: () => Promise.resolve(Response.redirect("http://x/", 302)) });
  assertEquals([bare.response.status, bare.response.headers.get("location")], [302, "http://x/"]);
});

test("answer() rejects with the TypeError for a policy that gives what can't be sent (RFC 9110 §15.2)", async () => {
  const early = Object.defineProperty(new Response(), "status", { value: 103 });
  for (const given of [early, Response.error(), "no", 403, null, {}]) {
    for (const authorize of [() => given as Response, () => Promise.resolve(given as Response)]) {
      await assertRejects(() => answer(upgrade(), { authorize }), TypeError, "Cannot ");
    }
  }
});

test("answer() rejects with what a policy throws", async () => {
  const error = new Error("The database is away");
  const thrown = () => {
    throw error;
  };
  for (const authorize of [thrown, () => Promise.reject(error)]) {
    assertStrictEquals(await answer(upgrade(), { authorize }).catch((error) => error), error);
  }
});

test("decide() gives a 101 as fields in their order (RFC 6455 §4.2.2 (5))", async () => {
  const decision = await decide(upgrade({ "sec-websocket-protocol": "a" }), checkAnswerOptions({ protocols: ["a"] }));
  assert(decision.agreement);
  assertEquals(decision.agreement, { role: "server", protocol: "a", extensions: "" });
  assertEquals(decision.head.fields, [
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="],
    ["Sec-WebSocket-Protocol", "a"],
  ]);
});

test("answer() and isUpgrade() take a protocol of another meaning for none of HTTP/2 (RFC 8441 §4)", async () => {
  const { method, url, headers } = upgrade();
  for (const protocol of ["http", "https:", "HTTP/1.1", ""]) {
    const request = { method, url, headers, protocol };
    const { response, agreement } = await answer(request);
    assertEquals([isUpgrade(request), response.status, agreement?.role], [true, 101, "server"]);
    assertEquals(checkAcceptOptions({ request }).request, request);
  }
});

test("answer() and isUpgrade() of a request of Node's are a TypeError that says what to do", async () => {
  const request = { method: "GET", url: "/", headers: { upgrade: "websocket" } } as unknown as RequestHead;
  assertThrows(() => isUpgrade(request), TypeError, "fromUpgrade()");
  await assertRejects(() => answer(request), TypeError, "fromUpgrade()");
});

test("answer() takes a single subprotocol as it is (RFC 6455 §4.2.2 (4))", async () => {
  const { request } = offer("ws://h/", { protocols: ["v2", "v1"] });
  assertEquals((await answer(request, { protocols: "v1" })).agreement?.protocol, "v1");
  for (const protocols of ["", "a b", "a,b"]) {
    await assertRejects(() => answer(request, { protocols }), TypeError, "option protocols");
  }
});

test("answer() knows no addresses for a policy", async () => {
  let seen: unknown[] = [];
  await answer(offer("ws://h/").request, {
    authorize(_, { remoteAddr, localAddr }) {
      seen = [remoteAddr, localAddr];
      return undefined;
    },
  });
  assertEquals(seen, [undefined, undefined]);
});
