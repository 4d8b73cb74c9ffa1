// nginx and haproxy in front of a server, each in a process of its own, with the configuration that docs/servers.md gives, or
// docs/growing.md for two of them.

import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { blocksOf } from "../../docs/make/pages.ts";
import { program, text } from "../kit/harness.ts";
import { closed, listening, readAll } from "../kit/node_server.ts";
import { dialRaw } from "../kit/tcp.ts";
import { start } from "./processes.ts";

/** The reverse proxies, by the names of their programs. */
export const REVERSE_PROXIES = ["nginx", "haproxy"] as const;

export type ReverseProxy = typeof REVERSE_PROXIES[number];

/** What a proxy does. */
export interface ReverseProxyOptions {
  /** The port of 127.0.0.1 that it leads to. */
  readonly to: number;
  /** The port of a second server. */
  readonly also?: number;
  /**
   * After how many milliseconds it cuts an idle connection.
   *
   * @default nginx has 60 s by itself, and for haproxy Debian's file says 50 s
   */
  readonly timeout?: number | undefined;
  /**
   * What nginx sends as Host, in its words; haproxy leaves it as it came.
   *
   * @default {"$http_host"}
   */
  readonly host?: string;
  /**
   * After how many milliseconds it is ended, whatever still waits for it.
   *
   * @default {60_000}
   */
  readonly patience?: number;
}

/** A configuration: where the proxy listens, where its files are, and what it answers to whom asks whether it is there. */
type Configure = (
  options: ReverseProxyOptions & { readonly port: number; readonly directory: string; readonly token: string },
) => string;

/** The part of a configuration that a page gives, with what stands there replaced by what a test needs. */
function documented(
  proxy: ReverseProxy,
  { to, also }: ReverseProxyOptions,
  changes: Readonly<Record<string, string>>,
): string {
  const file = also === undefined ? "servers.md" : "growing.md";
  const page = readFileSync(fileURLToPath(new URL(`../../docs/${file}`, import.meta.url).href), "utf8");
  const { code } = blocksOf(page).find(({ language }) => language === proxy)!;
  const servers = { [SERVER]: `127.0.0.1:${to}`, ...also !== undefined && { [SECOND]: `127.0.0.1:${also}` } };
  return Object.entries({ ...servers, ...changes }).reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`docs/${file} has no "${from}" for ${proxy}`);
    return text.replaceAll(from, to);
  }, code);
}

/** Where the servers are, as the pages have it. */
const SERVER = "127.0.0.1:8123", SECOND = "127.0.0.1:8124";

const nginx: Configure = ({ timeout, host = "$http_host", port, directory, token, ...options }) => `
daemon off;
master_process off;
pid ${directory}/nginx.pid;
error_log stderr info;
events {}
http {
  access_log off;
  ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((of) => `${of}_temp_path ${directory}/${of};`).join(" ")}
  ${timeout === undefined ? "" : `proxy_read_timeout ${timeout}ms; proxy_send_timeout ${timeout}ms;`}
  ${
  documented("nginx", options, {
    "listen 80;": `listen 127.0.0.1:${port}; location = /${token} { return 200 ${token}; }`,
    "Host $http_host;": `Host ${host};`,
  })
}
}
`;

const haproxy: Configure = ({ timeout, port, token, ...options }) => `
global
  log stderr format raw local0 info
${
  documented("haproxy", options, {
    "mode http\n": `mode http\n  log global\n  option httplog\n  ${
      timeout === undefined ? "" : `timeout tunnel ${timeout}`
    }\n`,
    "bind :80\n": `bind 127.0.0.1:${port}\n  http-request return status 200 content-type text/plain string ${token} ` +
      `if { path /${token} }\n`,
    ...timeout !== undefined && { "50s": `${timeout}ms` },
  })
}`;

/** How each is started with a file, and stays in the foreground. */
const PROGRAMS: Readonly<Record<ReverseProxy, readonly [Configure, args: (file: string) => string[]]>> = {
  nginx: [nginx, (file) => ["-c", file]],
  haproxy: [haproxy, (file) => ["-db", "-f", file]],
};

/** The path of a proxy: not everybody's PATH has the directories for servers. */
function find(proxy: ReverseProxy): string | undefined {
  return program(proxy, [process.env.PATH ?? "", "/usr/sbin", "/usr/local/sbin"].join(delimiter));
}

/** What a test of a proxy lacks, if it is not here. */
export function lacks(proxy: ReverseProxy): string | undefined {
  return find(proxy) ? undefined : `needs ${proxy}`;
}

/** How often a port is looked for: that it was free says nothing of now. */
const ATTEMPTS = 5;

/** A proxy while `run` runs with its port; a failure tells what the proxy has said. */
export async function withReverseProxy(
  proxy: ReverseProxy,
  options: ReverseProxyOptions,
  run: (port: number) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), `${proxy}-`));
  try {
    for (let attempt = 1;; attempt++) {
      if (await runWith(proxy, options, directory, attempt === ATTEMPTS, run)) return;
    }
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Whether it could start, or else must try another port; the last attempt throws. */
async function runWith(
  proxy: ReverseProxy,
  options: ReverseProxyOptions,
  directory: string,
  isLast: boolean,
  run: (port: number) => Promise<void>,
): Promise<boolean> {
  const [configure, args] = PROGRAMS[proxy], file = join(directory, `${proxy}.conf`);
  const port = await freePort(), token = crypto.randomUUID();
  await writeFile(file, configure({ ...options, port, directory, token }));
  const { child, ended } = start([find(proxy)!], args(file));
  let isOverdue = false;
  const { patience = 60_000 } = options;
  const deadline = setTimeout(() => isOverdue = child.kill(), patience);
  try {
    if (!await isThere(port, token, ended)) {
      if (!isLast) return false;
      throw new Error("It could not start");
    }
    await run(port);
    if (isOverdue) throw new Error(`It was ended after ${patience} ms`);
    return true;
  } catch (cause) {
    child.kill();
    const { code, output, complaints } = await ended;
    const said = `${output}${complaints}`.trim();
    throw new Error(
      `${cause instanceof Error ? cause.message : cause}\n${proxy} has ended with ${code}, and said:\n${said}`,
      { cause },
    );
  } finally {
    clearTimeout(deadline);
    child.kill();
    await ended;
  }
}

/** A port that nobody listens at. */
async function freePort(): Promise<number> {
  const server = createServer(), port = await listening(server);
  await closed(server);
  return port;
}

/** Whether it is this proxy that answers at the port; otherwise it has ended, or somebody else is there. */
async function isThere(port: number, token: string, ended: Promise<unknown>): Promise<boolean> {
  const hasEnded = ended.then(() => "");
  for (;;) {
    const answer = await Promise.race([hasEnded, ask(port, `/${token}`).catch(() => undefined)]);
    if (answer !== undefined) return answer.endsWith(token);
    await new Promise((resolve) => setTimeout(resolve, 20)); // it does not listen yet
  }
}

/** What is answered at a port; rejects when nobody is there. */
async function ask(port: number, target: string): Promise<string> {
  using conn = await dialRaw(port);
  await conn.write(new TextEncoder().encode(`GET ${target} HTTP/1.1\r\nHost: proxy\r\nConnection: close\r\n\r\n`));
  return text(await readAll(conn));
}
