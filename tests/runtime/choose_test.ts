import { assert, assertEquals, assertThrows } from "@std/assert";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { transportOf } from "../../src/runtime/choose.ts";
import { diallerFor } from "../../src/runtime/sockets.ts";
import { connectionPair } from "../../src/testing.ts";
import type { ByteConnection, Transport } from "../../src/transport/transport.ts";
import { afterIO } from "../../src/base/clock.ts";
import { latin1, test, text } from "../kit/harness.ts";
import { dial, listen, rawPair, streamsOf } from "../kit/tcp.ts";
import { settled } from "../kit/raw_peer.ts";
import { owned } from "../kit/owner.ts";

test("transportOf() a pair of streams that fails closes both of them", async () => {
  let cancelled = false, aborted = false;
  const conn = {
    readable: new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue("no bytes" as unknown as Uint8Array),
      cancel: () => void (cancelled = true),
    }),
    writable: new WritableStream<Uint8Array>({ abort: () => void (aborted = true) }),
  };
  const transport = transportOf(conn), told = owned(transport);
  transport.resume();
  await settled();
  assertEquals([told.log, cancelled, aborted], [
    ["failed: Cannot read the connection: a chunk is no Uint8Array"],
    true,
    true,
  ]);
});

test("transportOf() refuses what is no pair, and what is locked", () => {
  for (const conn of [null, undefined, 5, {}, { readable: 1, writable: 2 }, { readable: new ReadableStream() }]) {
    assertThrows(() => transportOf(conn as ByteConnection), TypeError, "pair");
  }
  for (const side of ["readable", "writable"] as const) {
    for (const isPlain of [false, true]) {
      const [end] = connectionPair(), conn = isPlain ? { readable: end.readable, writable: end.writable } : end;
      if (side === "readable") conn.readable.getReader();
      else conn.writable.getWriter();
      assertThrows(() => transportOf(conn), TypeError, "locked");
    }
  }
});

const endsOf = ({ localAddr, remoteAddr, isSecure }: Transport) => ({ localAddr, remoteAddr, isSecure });

for (const isTls of [false, true]) {
  test(`a transport over ${isTls ? "TLS" : "TCP"} knows both addresses, also when it is closed, and what carries it`, async () => {
    const pem = (name: string) => readFile(join(import.meta.dirname!, `../kit/tls/${name}.pem`), "utf8");
    const tls = isTls ? { cert: await pem("localhost"), key: await pem("localhost.key") } : undefined;
    using listener = await listen(tls && { tls });
    const [near, far] = await Promise.all([
      dial(listener.port, tls && { tls: { ca: await pem("ca") } }),
      listener.accept(),
    ]);
    const client = transportOf(near), server = transportOf(far);
    const address = { transport: "tcp", hostname: "127.0.0.1", port: listener.port } as const;
    const before = endsOf(client);
    assertEquals([before.remoteAddr, before.isSecure], [address, isTls]);
    assert(before.localAddr?.transport === "tcp" && before.localAddr.port !== listener.port);
    assertEquals(endsOf(server), { localAddr: address, remoteAddr: before.localAddr, isSecure: isTls });
    for (const transport of [client, server]) transport.abort();
    await settled();
    assertEquals(endsOf(client), before);
    assertEquals(endsOf(server), { localAddr: address, remoteAddr: before.localAddr, isSecure: isTls });
  });
}

test("a transport over a Unix socket that was dialled has the path at both ends", async () => {
  const directory = await mkdtemp(join(tmpdir(), "unix-")), path = join(directory, "socket");
  try {
    using listener = await listen({ unix: path });
    const dialler = await diallerFor(undefined, false, true);
    const [near, far] = await Promise.all([
      dialler.connect({ unix: path }, undefined, new AbortController().signal),
      listener.accept(),
    ]);
    const client = transportOf(near), server = transportOf(far), address = { transport: "unix", path } as const;
    assertEquals(endsOf(client), { localAddr: address, remoteAddr: address, isSecure: false });
    // A socket of node:net that a listener gives does not know its path
    const known = "Deno" in globalThis || "Bun" in globalThis ? address : undefined;
    assertEquals(endsOf(server), { localAddr: known, remoteAddr: known, isSecure: false });
    for (const transport of [client, server]) transport.abort();
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("a transport over a pair of streams, or in memory, knows nothing of its ends", async () => {
  const [raw, conn] = await rawPair(), [memory] = connectionPair();
  for (const end of [streamsOf(conn), memory]) {
    const transport = transportOf(end);
    assertEquals(endsOf(transport), { localAddr: undefined, remoteAddr: undefined, isSecure: undefined });
    transport.abort();
  }
  raw.close();
});

test("a transport over a socket hands over what came before a reset, though its owner had paused", async () => {
  const [raw, conn] = await rawPair(), transport = transportOf(conn);
  const log: string[] = [], first = Promise.withResolvers<void>(), lost = Promise.withResolvers<void>();
  transport.start({
    onData(chunk) {
      log.push(text(chunk));
      transport.pause();
      first.resolve();
    },
    onEnd: () => log.push("end"),
    onDrained() {},
    onLost: () => lost.resolve(),
  });
  transport.resume();
  await raw.write(latin1("one"));
  await first.promise;
  for (const word of ["two", "three"]) {
    await raw.write(latin1(word));
    await new Promise<void>((resolve) => afterIO(5, resolve));
  }
  raw.reset();
  await new Promise<void>((resolve) => afterIO(5, resolve));
  while (log.join("") !== "onetwothree") { // where nothing is read while the owner is paused
    transport.resume();
    await new Promise<void>((resolve) => afterIO(1, resolve));
  }
  transport.resume();
  await lost.promise;
  assertEquals(log.join(""), "onetwothree", "and no end");
});
