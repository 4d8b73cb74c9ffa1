// `deno task start`, and what of the demonstration is Deno's own.

import { assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { serveDemonstration } from "../../docs/examples/one_port.ts";
import { connect, type Server } from "../../mod.ts";
import { test, text } from "../kit/harness.ts";
import { findRuntimes } from "../kit/runtimes.ts";
import { dial, portOf } from "../kit/tcp.ts";

const root = join(import.meta.dirname!, "../..");

/** After so long nothing can come any more. */
const PATIENCE = 20_000;

async function withServer(run: (server: Server) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const server = await serveDemonstration({ port: 0, signal: stop.signal });
  try {
    await run(server);
  } finally {
    stop.abort();
    await server.finished;
  }
}

test("serve() goes on when a connection can't be accepted", async () => {
  const { listen } = Deno;
  let failures = 0;
  Deno.listen = ((options: Deno.TcpListenOptions) => {
    const listener = listen(options), accept = listener.accept.bind(listener);
    listener.accept = () => {
      if (failures === 2) return accept();
      failures++;
      return Promise.reject(failures === 1 ? new Deno.errors.NotConnected("gone") : new Error("Too many open files"));
    };
    return listener;
  }) as typeof Deno.listen;
  try {
    await withServer(async (server) => {
      const response = await fetch(`${server.url}healthz`, { headers: { connection: "close" } });
      assertEquals([response.status, await response.text()], [200, "fine\n"]);
      assertEquals(failures, 2);
    });
  } finally {
    Deno.listen = listen;
  }
});

/** The demonstration as its task runs it, with just the permissions that it has there. */
async function start(env: Record<string, string>): Promise<Deno.ChildProcess> {
  const { tasks } = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
  const args = tasks.start.command.split(" ").slice(1);
  return new Deno.Command(Deno.execPath(), { args, cwd: root, env, stdout: "piped", stderr: "piped" }).spawn();
}

test("deno task start prints its address and the password, and ends on Ctrl-C", async () => {
  const child = await start({ PORT: "0", NO_COLOR: "1" });
  const deadline = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let output = "";
  while (output.split("\n").length < 3) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`It has ended: ${output}${await new Response(child.stderr).text()}`);
    output += value;
  }
  const port = Number(/^Serving http:\/\/127\.0\.0\.1:(\d+)\/ /.exec(output)?.[1]);
  assertMatch(output, /\/private asks for a user name and a password: demo, handfast\n$/);

  const conn = await dial(port);
  const socket = await connect(`ws://127.0.0.1:${port}/echo`, { conn });
  const closed = socket.receive(() => {});
  child.kill("SIGINT");
  assertEquals((await closed).closeCode, 1001);
  assertEquals(await new Response(child.stderr).text(), "");
  assertEquals((await reader.read()).done, true);
  assertEquals((await child.status).code, 0);
  clearTimeout(deadline);
});

test("deno task start says so when it can't listen", () =>
  withServer(async (server) => {
    const child = await start({ PORT: String(portOf(server)), NO_COLOR: "1" });
    const { code, stderr } = await child.output();
    assertEquals(code, 1);
    assertMatch(
      text(stderr),
      new RegExp(`^Cannot listen on 127\\.0\\.0\\.1 port ${portOf(server)}: the port is taken`),
    );
  }));

const commands = findRuntimes();
for (const name of ["bun", "node"] as const) {
  const command = commands[name];
  test(`${name} examples/one_port.ts serves the page that deno task start serves`, {
    lacks: command ? undefined : `needs ${name}`,
  }, async () => {
    const [file, ...args] = [...command!, "docs/examples/one_port.ts"];
    const env = { PORT: "0", NO_COLOR: "1" };
    const child = new Deno.Command(file!, { args, cwd: root, env, stdout: "piped", stderr: "inherit" }).spawn();
    const deadline = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let output = "";
    while (!output.includes("\n")) output += (await reader.read()).value;
    const url = /http:\S+/.exec(output)![0];
    const page = await (await fetch(url, { headers: { connection: "close" } })).text();
    assertEquals(page, await Deno.readTextFile(join(root, "docs/examples/one_port.html")));
    child.kill("SIGTERM");
    while (!(await reader.read()).done);
    assertEquals((await child.status).code, 0);
    clearTimeout(deadline);
  });
}
