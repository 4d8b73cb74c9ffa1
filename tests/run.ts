// Runs the suite on every runtime, one after the other, and compares what came of it: the same cases, the same outcomes.
//
//   deno task test                            everything, and what reads and writes frames on the next Node, too
//   deno task test bun                        one runtime, or several
//   deno task test node tests/whole/tls_test.ts     some files, or folders

import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import process from "node:process";
import { compare, type Outcome, readReport } from "./kit/report.ts";
import { findRuntimes, NEXT_NODE, nodeOf, type Runtimes } from "./kit/runtimes.ts";
import { unsupported } from "./kit/support.ts";

type Name = keyof Runtimes;

/** What concerns one runtime alone, and why; everything else runs on all of them. */
const OWN: Readonly<Record<string, readonly [Name, why: string]>> = {
  "tests/whole/bun_serve_test.ts": ["bun", "Bun.serve"],
  "tests/bun_test.ts": ["bun", "Bun.listen and Bun.connect"],
  "tests/whole/canaries_test.ts": ["deno", "its leak sanitizers"],
  "tests/whole/deno_serve_test.ts": ["deno", "Deno.serve"],
  "tests/runtime/bun_listener_test.ts": ["bun", "Bun.listen"],
  "tests/runtime/deno_conn_test.ts": ["deno", "Deno.Conn"],
  "tests/whole/docs_test.ts": ["deno", "deno doc"],
  "tests/whole/npm_test.ts": ["deno", "starts every runtime by itself"],
  "tests/whole/package_test.ts": ["deno", "deno info"],
  "tests/whole/pages_test.ts": ["deno", "deno doc"],
  "tests/whole/rooms_page_test.ts": ["deno", "starts every runtime by itself"],
  "tests/peers/deflate_test.ts": ["deno", "starts every runtime by itself"],
  "tests/peers/deno_test.ts": ["deno", "its own WebSocket"],
  "tests/load/rooms_test.ts": ["deno", "starts every runtime by itself"],
  "tests/peers/http2_test.ts": ["deno", "starts every runtime by itself"],
  "tests/peers/matrix_test.ts": ["deno", "starts every runtime by itself"],
  "tests/whole/start_test.ts": ["deno", "deno task start"],
  "tests/workers/cases_test.ts": ["deno", "starts workerd"],
  "tests/workers/doors_test.ts": ["deno", "starts workerd"],
  "tests/workers/page_test.ts": ["deno", "starts workerd"],
  "tests/workers/pressure_test.ts": ["deno", "starts workerd"],
  "tests/workers/requests_test.ts": ["deno", "starts workerd"],
};

interface Runner {
  readonly name: "Deno" | "Bun" | "Node";
  /** The arguments that run these files, and have a report written in the format of JUnit. */
  run(files: readonly string[], report: string): string[];
}

const RUNNERS: Readonly<Record<Name, Runner>> = {
  deno: {
    name: "Deno",
    run: (files, report) => ["test", "-A", "--parallel", `--junit-path=${report}`, ...files],
  },
  bun: {
    name: "Bun",
    run: (files, report) => [
      "test",
      "--parallel=2",
      "--timeout=0", // the tests have their own
      "--reporter=junit",
      `--reporter-outfile=${report}`,
      ...files.map((file) => `./${file}`),
    ],
  },
  node: {
    name: "Node",
    run: (files, report) => [
      "--test",
      "--test-concurrency=2",
      "--test-reporter=spec",
      "--test-reporter-destination=stdout",
      "--test-reporter=junit",
      `--test-reporter-destination=${report}`,
      ...files,
    ],
  },
};

const NAMES = Object.keys(RUNNERS) as Name[];

/** What the next Node runs, after all others: what reads and writes frames. */
const NEXT = ["tests/protocol", "tests/whole/sockets_test.ts"];

const root = join(import.meta.dirname!, "..");

/** The test files, by their paths in the project. */
async function findFiles(wanted: readonly string[]): Promise<string[]> {
  const files = (await readdir(import.meta.dirname!, { recursive: true }))
    .filter((file) => file.endsWith("_test.ts")).map((file) => `tests/${file.replaceAll(sep, "/")}`).sort();
  if (wanted.length === 0) return files;
  const paths = wanted.map((path) => relative(root, path).replaceAll(sep, "/"));
  for (const [i, path] of paths.entries()) {
    if (!files.some((file) => isAt(file, path))) throw new Error(`There is no test at ${wanted[i]}`);
  }
  return files.filter((file) => paths.some((path) => isAt(file, path)));
}

const isAt = (file: string, path: string) => file === path || file.startsWith(`${path}/`);

/** Runs a command with its output shown; gives how it has ended. */
async function show(command: readonly string[]): Promise<number> {
  const [file, ...args] = command;
  const child = spawn(file!, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  return await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}

async function versionOf(command: readonly string[]): Promise<string> {
  const [file, ...args] = command;
  const child = spawn(file!, [...args, "--version"], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  for await (const chunk of child.stdout) output += chunk;
  return /\d+\.\d+\.\d+\S*/.exec(output)?.[0] ?? "of no known version";
}

/** What came of a runtime's run. */
interface Result {
  readonly title: string;
  readonly name: Runner["name"];
  /** The outcomes of what runs everywhere, and of all. */
  readonly common: ReadonlyMap<string, Outcome>;
  readonly all: ReadonlyMap<string, Outcome>;
  readonly counts: Readonly<Record<Outcome, number>>;
  /** What went wrong beside the cases. */
  readonly problems: readonly string[];
}

async function runOn(name: Name, command: readonly string[], files: readonly string[]): Promise<Result> {
  const runner = RUNNERS[name], title = `${runner.name} ${await versionOf(command)}`;
  const counts = { passed: 0, failed: 0, ignored: 0 }, problems: string[] = [];
  const directory = await mkdtemp(join(tmpdir(), "tests-"));
  const run = async (files: readonly string[], part: string): Promise<Map<string, Outcome>> => {
    if (files.length === 0) return new Map();
    console.log(`\n---- ${title}, ${part}\n`);
    const path = join(directory, `${part.replaceAll(" ", "-")}.xml`);
    const code = await show([...command, ...runner.run(files, path)]);
    const outcomes = readReport(await readFile(path, "utf8").catch(() => ""));
    for (const outcome of outcomes.values()) counts[outcome]++;
    // What can't be loaded, or fails between its tests, is in no report
    if (code !== 0 && ![...outcomes.values()].includes("failed")) {
      counts.failed++;
      problems.push(`exit code ${code} of ${title}, ${part}, and no case that failed, of ${outcomes.size}`);
    }
    if (outcomes.size === 0) counts.failed ||= 1;
    return outcomes;
  };
  try {
    const common = await run(files.filter((file) => !(file in OWN)), "what runs everywhere");
    const own = await run(files.filter((file) => OWN[file]?.[0] === name), "its own");
    return { title, name: runner.name, common, all: new Map([...common, ...own]), counts, problems };
  } finally {
    await rm(directory, { recursive: true });
  }
}

function lineOf({ title, counts: { passed, failed, ignored } }: Result): string {
  return `${title}: ${passed} passed, ${failed} failed, ${ignored} ignored`;
}

const args = process.argv.slice(2);
const chosen = NAMES.filter((name) => args.includes(name));
const files = await findFiles(args.filter((arg) => !NAMES.includes(arg as Name)));
const commands = findRuntimes();
const results: Result[] = [], lines: string[] = [];
let isGood = true;
for (const name of chosen.length > 0 ? chosen : NAMES) {
  const command = commands[name];
  if (!command) {
    lines.push(`${RUNNERS[name].name}: not run, for there is none here that is new enough`);
    if (process.env.CI) isGood = false;
    continue;
  }
  const result = await runOn(name, command, files);
  lines.push(...result.problems, lineOf(result));
  results.push(result);
  if (result.counts.failed > 0) isGood = false;
}
const nextFiles = chosen.length > 0 ? [] : files.filter((file) => NEXT.some((path) => isAt(file, path)));
if (nextFiles.length > 0) {
  const command = nodeOf(NEXT_NODE), result = command && await runOn("node", command, nextFiles);
  const missing = `Node ${NEXT_NODE}: not run, for npm has none for this machine`;
  lines.push(...result?.problems ?? [], result ? lineOf(result) : missing);
  if (result ? result.counts.failed > 0 : process.env.CI) isGood = false;
}
console.log();
const differences = compare(results.map(({ title, common }) => [title, common]));
for (const line of differences) console.log(line);
if (results.length > 1) {
  const count = results[0]!.common.size;
  lines.push(
    differences.length > 0
      ? `${differences.length} cases had not the same outcome on all`
      : `the ${count} cases that concern no runtime alone had the same outcome on all`,
  );
}
// What docs/runtimes.md says of each runtime; a part of the suite does not show it
const isWhole = files.length === (await findFiles([])).length;
const missing = isWhole ? results.flatMap(({ name, all }) => unsupported(name, all)) : [];
for (const line of [...missing, ...lines]) console.log(line);
process.exit(isGood && differences.length + missing.length === 0 ? 0 : 1);
