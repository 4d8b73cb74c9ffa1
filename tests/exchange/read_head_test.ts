import { assert, assertEquals, assertRejects } from "@std/assert";
import { ExchangeError } from "../../src/errors/problem.ts";
import { readFinal, readHead } from "../../src/exchange/read_head.ts";
import { RequestReader } from "../../src/http/request_reader.ts";
import { everySplit, latin1, test } from "../kit/harness.ts";
import { exchanging, next } from "../kit/exchanging.ts";

test("readHead() gives the head, and what follows it back, wherever it is cut", async () => {
  const head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  await everySplit(latin1(head + "behind"), async ([prefix, ...rest]) => {
    const { exchange, peer } = exchanging({ prefix });
    for (const chunk of rest) peer.write(chunk);
    peer.end();
    const read = await readHead(exchange, new RequestReader(100));
    assert(read && !("failure" in read));
    const behind = [];
    for (let chunk; (chunk = await next(exchange)) !== undefined;) behind.push(chunk);
    assertEquals([read.target, [...read.headers], behind.join("")], ["/", [["host", "a"]], "behind"]);
    exchange.abort();
  });
});

test("readHead() of an end: undefined before a byte, a failure behind one", async () => {
  for (const [bytes, failure] of [["", undefined], ["G", "connection-closed"]] as const) {
    const { exchange, peer } = exchanging();
    peer.write(bytes);
    peer.end();
    const reading = readHead(exchange, new RequestReader(100));
    if (failure === undefined) assertEquals(await reading, undefined);
    else assertEquals((await assertRejects(() => reading, ExchangeError)).failure, failure);
    exchange.abort();
  }
});

test("readFinal() skips interim responses, and judges the final one by the request's method (RFC 9110 §15.2, §9.3.6)", async () => {
  for (const [method, body] of [["GET", 5], ["CONNECT", 0]] as const) {
    const { exchange, peer } = exchanging();
    peer.write(
      "HTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello",
    );
    const head = await readFinal(exchange, 100, method);
    assert(!("failure" in head));
    assertEquals([head.status, head.body, await next(exchange)], [200, body, "Hello"]);
    exchange.abort();
  }
});
