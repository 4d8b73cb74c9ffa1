// For which hosts a certificate is taken by connect() (RFC 9525 §6): the same on every runtime, over TCP, over a Unix socket,
// which has no address of its own, and through a proxy.

import { assertEquals, assertRejects } from "@std/assert";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:tls";
import { accept, connect, HandshakeError } from "../../mod.ts";
import { fromSocket } from "../../src/node.ts";
import { test } from "../kit/harness.ts";
import { startProxy } from "../kit/proxies.ts";

/** Rows: a certificate, and the hosts of URLs that it is for. */
const CERTIFICATES: readonly [name: string, commonName: string, altNames: string, hosts: readonly string[]][] = [
  ["a name", "nobody", "DNS:localhost", ["localhost", "localhost."]],
  ["another name", "localhost", "DNS:api.example", ["api.example"]],
  ["addresses", "localhost", "IP:127.0.0.1,IP:10.1.2.3,IP:2001:db8::1", ["127.0.0.1", "10.1.2.3", "[2001:db8::1]"]],
  ["a common name alone", "localhost", "", []],
];

const HOSTS = ["localhost", "localhost.", "api.example", "127.0.0.1", "10.1.2.3", "[2001:db8::1]"];

/** A directory with a CA of its own, and what it issues. */
function authority(directory: string) {
  const at = (name: string) => join(directory, name);
  const openssl = (command: string) => execFileSync("openssl", command.split(" "), { stdio: "pipe" });
  const key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
  openssl(`req -x509 ${key} -subj /CN=CA -days 2 -keyout ${at("ca.key")} -out ${at("ca.pem")}`);
  const issue = (commonName: string, altNames: string) => {
    const alt = altNames && `subjectAltName=${altNames}\n`;
    writeFileSync(at("ext"), `basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n${alt}`);
    openssl(`req ${key} -subj /CN=${commonName} -keyout ${at("key")} -out ${at("csr")}`);
    const by = `-CA ${at("ca.pem")} -CAkey ${at("ca.key")} -CAcreateserial`;
    openssl(`x509 -req -in ${at("csr")} ${by} -days 2 -extfile ${at("ext")} -out ${at("pem")}`);
    return { cert: readFileSync(at("pem"), "utf8"), key: readFileSync(at("key"), "utf8") };
  };
  return { ca: readFileSync(at("ca.pem"), "utf8"), issue };
}

async function withServer(
  tls: { cert: string; key: string },
  where: string | undefined,
  run: (port: number) => Promise<void>,
): Promise<void> {
  const server: Server = createServer(tls, (socket) => {
    accept(fromSocket(socket)).then((accepted) => accepted.receive(() => {})).catch(() => {});
  });
  server.on("tlsClientError", () => {}); // a client that refuses the certificate
  if (where === undefined) server.listen(0, "127.0.0.1");
  else server.listen(where);
  await once(server, "listening");
  try {
    await run(where === undefined ? (server.address() as AddressInfo).port : 0);
  } finally {
    const closed = once(server, "close");
    server.close();
    await closed;
  }
}

test("connect() takes a certificate for the hosts of its subjectAltName, by every way, and for no other", {
  needs: "openssl",
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), "certificates-")), unix = join(directory, "socket");
  try {
    const { ca, issue } = authority(directory), caCerts = [ca];
    const taken = async (url: string, options: { unix?: string; proxy?: string }) => {
      try {
        await (await connect(url, { ...options, caCerts })).close();
        return true;
      } catch (error) {
        assertEquals((error as HandshakeError).failure, "tls-failed", `${url}: ${error}`);
        return false;
      }
    };
    for (const [name, commonName, altNames, hosts] of CERTIFICATES) {
      const tls = issue(commonName, altNames);
      await withServer(tls, unix, async () => {
        const found: string[] = [];
        for (const host of HOSTS) if (await taken(`wss://${host}/`, { unix })) found.push(host);
        assertEquals(found, hosts, `${name}, over a Unix socket`);
      });
      await withServer(tls, undefined, async (port) => {
        await using proxy = await startProxy(port);
        for (const host of ["localhost", "127.0.0.1"]) {
          for (const options of [{}, { proxy: `http://127.0.0.1:${proxy.port}` }]) {
            const ways = `${name}, ${host}, ${JSON.stringify(options)}`;
            assertEquals(await taken(`wss://${host}:${port}/`, options), hosts.includes(host), ways);
          }
        }
      });
    }
    const untrusted = issue("nobody", "DNS:localhost");
    await withServer(untrusted, unix, async () => {
      const error = await assertRejects(() => connect("wss://localhost/", { unix }), HandshakeError);
      assertEquals(error.failure, "tls-failed");
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
});
