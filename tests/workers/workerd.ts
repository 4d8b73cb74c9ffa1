// Workers in workerd, Cloudflare's runtime as npm has it: bundled, started, asked, and ended.

import type { ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { type Process, start } from "../peers/processes.ts";
import { emptyFolder, packageFolder, run } from "../whole/npm/pack.ts";
import type { Bundle, BundleOptions } from "./bundle.ts";

/** The packages that have the program, by platform. */
const PACKAGES: Readonly<Record<string, string>> = {
  "linux x64": "@cloudflare/workerd-linux-64",
  "linux arm64": "@cloudflare/workerd-linux-arm64",
  "darwin x64": "@cloudflare/workerd-darwin-64",
  "darwin arm64": "@cloudflare/workerd-darwin-arm64",
};

/** The path of the program: npm has installed the package of this platform with `workerd`, if there is one. */
function find(): string | undefined {
  const name = PACKAGES[`${process.platform} ${process.arch}`];
  try {
    const { resolve } = createRequire(createRequire(import.meta.url).resolve("workerd/package.json"));
    return name && resolve(`${name}/bin/workerd`);
  } catch {
    return undefined;
  }
}

const workerd = find();

/** What a test in a Worker lacks, if the program is not here. */
export const LACKS_WORKERD: string | undefined = workerd ? undefined : "needs workerd";

/** The day whose behaviour the Workers have: what the pages say is said of it. */
const COMPATIBILITY_DATE = "2026-01-01";

/** Of which library, and how. */
export interface WorkerOptions extends Pick<BundleOptions, "isTest"> {
  /** From the sources, as JSR has them, and not from the package for npm under the condition `workerd`. */
  readonly isFromSources?: boolean;
  readonly flags?: readonly string[];
  /** A configuration of one's own, which has the sockets `tcp` and `http`, in place of one for these options. */
  readonly config?: string;
  /** What is added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A Worker that was bundled: its files are deleted at the end of the process. */
export interface Bundled extends Bundle {
  readonly folder: string;
}

/** Bundles a program. */
export function bundle(entry: string, { isFromSources, isTest }: WorkerOptions = {}): Bundled {
  const folder = emptyFolder(), outfile = join(folder, "worker.js"), from = isFromSources ? undefined : packageFolder();
  const options: BundleOptions = { entry, outfile, from, isTest };
  const command = [Deno.execPath(), "run", "-A", "--quiet"];
  return {
    folder,
    ...JSON.parse(run(command, [join(import.meta.dirname!, "bundle.ts"), JSON.stringify(options)], folder)),
  };
}

/** Free ports, whatever the configuration says. */
const ADDRESSES = ["tcp", "http"].map((name) => `--socket-addr=${name}=127.0.0.1:0`);

/** What workerd has to be told of: the program, and where it is reached. */
function configOf(flags: readonly string[]): string {
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "worker", worker = .worker),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [
    (name = "tcp", tcp = (), service = "worker"),
    (name = "http", http = (), service = "worker"),
  ],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js")],
  compatibilityDate = "${COMPATIBILITY_DATE}",
  compatibilityFlags = ${JSON.stringify(flags)},
);
`;
}

/** A Worker that runs. */
export class Workerd implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Process["ended"];
  /** The port of its connect() handler, and that of its fetch() handler. */
  readonly ports: { readonly tcp: number; readonly http: number };

  private constructor(child: ChildProcess, ended: Process["ended"], ports: Workerd["ports"]) {
    this.#child = child;
    this.#ended = ended;
    this.ports = ports;
  }

  /**
   * Starts one, and waits until it listens.
   *
   * @throws {Error} When it does not start, with what workerd says.
   */
  static async start(
    { folder }: Pick<Bundled, "folder">,
    { flags = [], config = configOf(flags), env = {} }: WorkerOptions = {},
  ): Promise<Workerd> {
    writeFileSync(join(folder, "config.capnp"), config);
    const args = ["serve", "config.capnp", "--control-fd=1", ...ADDRESSES];
    const { child, ended } = start([workerd!], args, { cwd: folder, env });
    const ports = Promise.withResolvers<Workerd["ports"]>();
    let said = "";
    child.stdout!.on("data", (text: string) => {
      said += text;
      const found = Object.fromEntries(
        [...said.matchAll(/"socket":"(\w+)","port":(\d+)/g)].map((m) => [m[1], Number(m[2])]),
      );
      if ("tcp" in found && "http" in found) ports.resolve({ tcp: found.tcp!, http: found.http! });
    });
    ended.then(({ complaints }) => ports.reject(new Error(complaints)), ports.reject);
    return new Workerd(child, ended, await ports.promise);
  }

  /** Asks its fetch() handler. */
  fetch(target: string, init?: RequestInit): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.ports.http}${target}`, init);
  }

  /** Ends it; gives what it has complained of. */
  async end(): Promise<string> {
    this.#child.kill("SIGKILL");
    return (await this.#ended).complaints;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}
