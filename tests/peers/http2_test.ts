// HTTP/2 between processes: ours on each runtime, and on the next Node, with ours on each; over TLS and without.

import { assertEquals } from "@std/assert";
import { findRuntimes, NEXT_NODE, nodeOf } from "../kit/runtimes.ts";
import { test } from "../kit/harness.ts";
import { pem as readPem, serving } from "../kit/serving.ts";
import { pem, start, withServer } from "./processes.ts";
import { onRuntime } from "./programs/programs.ts";

const { deno, bun, node } = findRuntimes();

/** Deno's node:tls asks for the list of authorities that the system trusts, to which `caCerts` is added. */
const denoWithCa = deno && [...deno, "run", "--no-prompt", "--allow-net", "--allow-read", "--allow-sys"];

/** The runtime's own client has no option for them. */
const denoWithCert = deno && [...deno, "run", "-A", "--cert", pem("ca")];

const ALL = [
  { name: "Deno", ...onRuntime("node", denoWithCa, "http2.ts") },
  { name: "Bun", ...onRuntime("bun", bun, "http2.ts") },
  { name: "Node", ...onRuntime("node", node, "http2.ts") },
  { name: "the next Node", ...onRuntime("node", nodeOf(NEXT_NODE), "http2.ts") },
];

/** What a client says when all is well. */
const PLAYED = {
  code: 0,
  output: JSON.stringify({
    status: 200,
    protocol: "chat",
    isDeflated: true,
    echoes: 5,
    closeCode: 3007,
    refused: [403, "Not here\n"],
    isHeldBack: true,
  }) + "\n",
  complaints: "",
};

for (const server of ALL) {
  for (const isSecure of [false, true]) {
    const lacks = ALL.find(({ command }) => !command);
    test(
      `the server of ours on ${server.name} over HTTP/2 ${isSecure ? "with" : "without"} TLS, and the clients of all`,
      { lacks: lacks && `needs ${lacks.name}` },
      () =>
        withServer(
          server.command!,
          isSecure ? ["--tls", pem("localhost"), pem("localhost.key")] : [],
          async ([port]) => {
            const url = `${isSecure ? "wss" : "ws"}://localhost:${port}/`;
            for (const client of ALL) {
              const { child, ended } = start(client.command!, ["connect", url, ...isSecure ? ["--ca", pem("ca")] : []]);
              child.stdin!.end();
              assertEquals([client.name, await ended], [client.name, PLAYED]);
            }
          },
        ),
    );
  }
}

/** The clients that runtimes have of their own, and undici's, and how each comes to a port that has both versions. */
const OWN = [
  { name: "Deno", as: "GET", command: denoWithCert },
  { name: "Bun", as: "GET", command: bun },
  { name: "Node", as: "GET", command: node },
  { name: "the next Node", as: "CONNECT", command: nodeOf(NEXT_NODE) },
  { name: "undici", as: "CONNECT", command: node },
] as const;
for (const { name, as, command: runtime } of OWN) {
  const { command } = onRuntime("node", runtime, "own_websocket.ts");
  test(
    `the WebSocket of ${name} at a port with HTTP/2 comes as ${as} (RFC 8441 §5)`,
    { lacks: command ? undefined : `needs ${name}` },
    async () => {
      const seen: string[] = [];
      const server = await serving(async (socket) => {
        seen.push(socket.request.method);
        await socket.receive((message) => socket.send(message));
      }, { http2: true, cert: await readPem("localhost"), key: await readPem("localhost.key"), protocols: ["chat"] });
      const env = { NODE_EXTRA_CA_CERTS: pem("ca"), NODE_NO_WARNINGS: "1" };
      const { child, ended } = start(command!, [`wss://localhost:${server.port}/`, name], { env });
      child.stdin!.end();
      const { output } = await ended;
      assertEquals([output, seen], ['["Hello","chat",3000,true]\n', [as]]);
      await server.shutdown({ within: 1000 });
    },
  );
}
