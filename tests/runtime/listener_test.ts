import { assert, assertEquals, assertRejects } from "@std/assert";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect as connectNode } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { diallerFor, listenFor } from "../../src/runtime/sockets.ts";
import type { Listener, ListenOptions } from "../../src/runtime/listener.ts";
import type { OwnedTransport } from "../../src/transport/owned_transport.ts";
import { owned } from "../kit/owner.ts";
import { latin1, test } from "../kit/harness.ts";
import { pem } from "../kit/serving.ts";
import { dialRaw } from "../kit/tcp.ts";

const LOCAL = { hostname: "127.0.0.1", port: 0 };

/** A listener, and the first connection that it gets. */
async function listening(options: Partial<ListenOptions> = {}) {
  const all = { address: LOCAL, tls: undefined, reusePort: false, handshakeTimeout: 10_000, ...options };
  const listen = await listenFor(all);
  const first = Promise.withResolvers<OwnedTransport>();
  const listener = await listen(all, { onConnection: first.resolve, onError: first.reject });
  return { listener, first: first.promise };
}

function end(listener: Listener, ...transports: OwnedTransport[]): void {
  listener.stop();
  for (const transport of transports) transport.abort();
  listener.close();
}

function portOf({ addr }: Listener): number {
  return addr.transport === "tcp" ? addr.port : 0;
}

/** What a transport tells its owner, up to this. */
async function readTo(transport: OwnedTransport, last: string): Promise<string[]> {
  const told = owned(transport);
  transport.resume();
  while (!told.log.includes(last)) await new Promise((resolve) => setTimeout(resolve, 1));
  return told.log;
}

for (const hostname of ["127.0.0.1", "::1"]) {
  test(`a listener on ${hostname} hands over connections that know both ends`, async () => {
    const { listener, first } = await listening({ address: { hostname, port: 0 } }), port = portOf(listener);
    assertEquals(listener.addr, { transport: "tcp", hostname, port });
    const client = connectNode({ host: hostname, port });
    await once(client, "connect");
    const transport = await first, { localAddr, remoteAddr, isSecure } = transport;
    assertEquals([localAddr, isSecure], [listener.addr, false]);
    assertEquals(remoteAddr, { transport: "tcp", hostname, port: client.localPort! });
    client.destroy();
    end(listener, transport);
  });
}

test("a listener with TLS hands over what came through it", async () => {
  const tls = { cert: await pem("localhost"), key: await pem("localhost.key") };
  const { listener, first } = await listening({ tls });
  const client = await dialRaw(portOf(listener), { ca: await pem("ca") });
  await client.write(latin1("hello"));
  await client.closeWrite();
  const transport = await first, log = await readTo(transport, "end");
  assertEquals([log, transport.isSecure], [["hello", "end"], true]);
  client.close();
  end(listener, transport);
});

for (const hasTls of [false, true]) {
  test(`a listener on a Unix socket${hasTls ? " with TLS" : ""} removes its file when it stops`, async () => {
    const directory = await mkdtemp(join(tmpdir(), "unix-")), path = join(directory, "socket");
    const tls = hasTls ? { cert: await pem("localhost"), key: await pem("localhost.key") } : undefined;
    const { listener, first } = await listening({ address: { unix: path }, tls });
    const addr = { transport: "unix", path } as const;
    assertEquals([listener.addr, existsSync(path)], [addr, true]);
    const trust = tls && { hostname: "localhost", caCerts: [await pem("ca")] };
    const dialler = await diallerFor(trust, false, true);
    const conn = await dialler.connect({ unix: path }, trust, new AbortController().signal);
    const writer = conn.writable.getWriter();
    await writer.write(latin1("hello"));
    const transport = await first, log = await readTo(transport, "hello");
    assertEquals([log, transport.isSecure, transport.remoteAddr], [["hello"], hasTls, addr]);
    const clash = await assertRejects(() => listening({ address: { unix: path }, tls }), Error, "the path is taken");
    assertEquals((clash as { code?: unknown }).code, "EADDRINUSE");
    await writer.abort();
    await conn.readable.cancel().catch(() => {});
    end(listener, transport);
    assert(!existsSync(path));
    await rm(directory, { recursive: true });
  });
}

test("a listener of a port that is taken says so, and by which option another is chosen", async () => {
  const { listener } = await listening(), port = portOf(listener);
  const error = await assertRejects(() => listening({ address: { hostname: "127.0.0.1", port } }), Error);
  assertEquals([error.message, (error as { code?: unknown }).code, error.cause instanceof Error], [
    `Cannot listen on 127.0.0.1 port ${port}: the port is taken: choose another with the option port, where 0 takes a free one`,
    "EADDRINUSE",
    true,
  ]);
  end(listener);
});

const UNUSABLE: readonly [path: (folder: string) => string, code: string, why: string][] = [
  [(folder) => join(folder, "none", "x.sock"), "ENOENT", "the folder of the path does not exist: make it first"],
  [(folder) => join(folder, "file", "x.sock"), "ENOTDIR", "a part of the path that should be a folder is none"],
  [
    (folder) => join(folder, "x".repeat(120)),
    "EINVAL",
    "the path can't be used: most systems take no more than about 100 bytes",
  ],
];
for (const hasTls of [false, true]) {
  test(`a listener says what is wrong with the path of a Unix socket${hasTls ? " with TLS" : ""}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), "listener-"));
    await writeFile(join(folder, "file"), "");
    const tls = hasTls ? { cert: await pem("localhost"), key: await pem("localhost.key") } : undefined;
    for (const [pathIn, code, why] of UNUSABLE) {
      const path = pathIn(folder);
      const error = await assertRejects(() => listening({ address: { unix: path }, tls }), Error);
      assertEquals([error.message, (error as { code?: unknown }).code], [`Cannot listen on ${path}: ${why}`, code]);
    }
    await rm(folder, { recursive: true });
  });
}

test("a listener says that an address is not of this machine", async () => {
  const address = { hostname: "192.0.2.1", port: 0 };
  await assertRejects(() => listening({ address }), Error, "Cannot listen on 192.0.2.1 port 0: the option hostname");
});

test("a listener says which options are wrong when a certificate can't be used", async () => {
  const broken = (what: string) => `-----BEGIN ${what}-----\nAAAA\n-----END ${what}-----\n`;
  const tls = { cert: broken("CERTIFICATE"), key: broken("PRIVATE KEY") };
  await assertRejects(() => listening({ tls }), Error, "Cannot listen on 127.0.0.1 port 0: ");
});

test("listeners share a port with reusePort, and only with it", async () => {
  const first = await listening({ reusePort: true }), address = { hostname: "127.0.0.1", port: portOf(first.listener) };
  const second = await listening({ address, reusePort: true });
  await assertRejects(() => listening({ address }), Error, "the port is taken");
  end(first.listener);
  const client = await dialRaw(address.port), transport = await second.first;
  client.close();
  end(second.listener, transport);
});

test("a listener that is stopped refuses connections, and can be stopped again", async () => {
  const { listener } = await listening(), port = portOf(listener);
  for (let i = 0; i < 2; i++) {
    listener.stop();
    listener.close();
  }
  await assertRejects(() => dialRaw(port));
});

test("close() lets a client go that does not finish its TLS handshake, where the runtime can, and listens no more", async () => {
  const tls = { cert: await pem("localhost"), key: await pem("localhost.key") };
  const { listener } = await listening({ tls }), port = portOf(listener);
  if (!("Deno" in globalThis)) { // a TLS handshake of Deno's can't be given up
    const client = await dialRaw(port);
    await client.write(latin1("\x16\x03\x01"));
    const other = await dialRaw(port, { ca: await pem("ca") }); // by then the first is accepted
    other.close();
    await listener.stop();
    listener.close();
    assertEquals(await client.read(new Uint8Array(1)).catch(() => null), null);
    client.close();
  }
  await listener.stop();
  listener.close();
  await assertRejects(() => dialRaw(port));
});
