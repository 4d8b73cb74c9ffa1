// Builds the package for npm into a folder: JavaScript, types and source maps for the entries that are on JSR, made by the
// TypeScript compiler alone, so that each file stays the module that it is. Node runs no TypeScript from node_modules.
//
//   deno task npm              into npm/
//   deno task npm some/folder  into another, from where node_modules/ must be found

import { existsSync } from "node:fs";
import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, posix, resolve } from "node:path";
import process from "node:process";
import ts from "typescript";
import { linkedFiles, PAGES } from "../docs/make/pages.ts";

const root = join(import.meta.dirname!, "..");

/** Where in the package the compiler writes, beside the sources that its maps lead to. */
const OUT = "dist";

/**
 * The checks are those of `deno check`, and there is no library for the DOM: what is compiled without one can be used
 * without one. What is newer than es2023 is for the code; that the types need no more is shown where they are used.
 */
const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ["lib.es2024.d.ts", "lib.esnext.disposable.d.ts"],
  types: ["node"],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  rewriteRelativeImportExtensions: true,
  declaration: true,
  declarationMap: true,
  sourceMap: true,
  noEmitOnError: true,
};

/** The first version with all that the JavaScript uses: the last to come was `URL.parse()`. */
const ENGINES = { node: ">=22.1" };

/**
 * What older compilers get for types, which know no `Uint8Array<ArrayBuffer>`: to them every name is missing. With the
 * types themselves and `skipLibCheck` they would take each such type for `any`, and say nothing.
 */
const TOO_OLD = `${OUT}/needs_typescript_5.7.d.ts`;

/** A module that bundlers for runtimes without sockets of their own get another one for. */
interface StandIn {
  /** The name under which the package imports it. */
  readonly name: string;
  readonly module: string;
  readonly instead: string;
}

/**
 * What dials, listens and serves, and what reads Deno's connections. From what is there instead, nothing leads to Node's
 * modules, nor to any of that.
 */
const STAND_INS: readonly StandIn[] = [
  { name: "#sockets", module: "src/runtime/sockets.js", instead: "src/runtime/no_sockets.js" },
  { name: "#deno", module: "src/runtime/deno_transport.js", instead: "src/runtime/no_deno_transport.js" },
  { name: "#serve", module: "src/server/serve.js", instead: "src/server/no_serve.js" },
];

interface Config {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly imports: Readonly<Record<string, string>>;
  readonly compilerOptions: Readonly<Record<string, unknown>>;
}

/** What of package.json is npm's alone. */
interface Manifest {
  readonly description: string;
  readonly keywords: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
}

/** The package.json of what is published: it says of the entries what deno.json says. */
function manifestOf(config: Config, { description, keywords, dependencies }: Manifest): object {
  const compiled = (entry: string, extension: string) => `./${OUT}/${entry.slice(2).replace(/ts$/, extension)}`;
  const entries = Object.entries(config.exports).map(([name, entry]) => {
    const types = { "types@<5.7": `./${TOO_OLD}`, types: compiled(entry, "d.ts") };
    return [name, { ...types, default: compiled(entry, "js") }];
  });
  return {
    name: config.name,
    version: config.version,
    description,
    keywords,
    license: config.license,
    type: "module",
    sideEffects: false,
    engines: ENGINES,
    exports: Object.fromEntries(entries),
    imports: Object.fromEntries(STAND_INS.map(({ name, module, instead }) => {
      const path = `./${OUT}/${instead}`;
      return [name, { workerd: path, browser: path, default: `./${OUT}/${module}` }];
    })),
    // By the range that users of JSR get, where the tests have one version
    dependencies: Object.fromEntries(
      Object.keys(dependencies).map((name) => [name, config.imports[name]!.replace(`npm:${name}@`, "")]),
    ),
  };
}

/** Compiles the entries, what stands in, and what they import. Gives what is wrong with them, as text; then nothing was written. */
function compile({ exports, compilerOptions: { lib: _, ...checks } }: Config, rootDir: string): string {
  const standIns = STAND_INS.map(({ instead }) => instead.replace(/js$/, "ts"));
  const files = [...Object.values(exports), ...standIns].map((file) => join(rootDir, file));
  const program = ts.createProgram(files, { ...checks, ...OPTIONS, rootDir, outDir: join(rootDir, OUT) });
  const wrong = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics];
  return ts.formatDiagnostics(ts.sortAndDeduplicateDiagnostics(wrong), {
    getCanonicalFileName: (name) => name,
    getCurrentDirectory: () => rootDir,
    getNewLine: () => "\n",
  });
}

/** Has a module imported by its name, wherever it is imported. */
async function nameModule(folder: string, { name, module }: StandIn): Promise<void> {
  const files = await readdir(join(folder, OUT), { recursive: true });
  let count = 0;
  for (const file of files.filter((file) => file.endsWith(".js"))) {
    const path = posix.relative(posix.dirname(file.replaceAll("\\", "/")), module);
    const specifier = `from "${path.startsWith(".") ? path : `./${path}`}"`;
    const code = await readFile(join(folder, OUT, file), "utf8"), named = code.replaceAll(specifier, `from "${name}"`);
    if (named === code) continue;
    count++;
    await writeFile(join(folder, OUT, file), named);
  }
  if (count === 0) throw new Error(`Nothing imports ${module}`);
}

const read = async <T>(name: string): Promise<T> => JSON.parse(await readFile(join(root, name), "utf8"));
const config: Config = await read("deno.json"), manifest: Manifest = await read("package.json");
const target = resolve(root, process.argv[2] ?? "npm");

// What is there is deleted: nothing but a folder that this has made
const isOurs = target === join(root, "npm") ||
  existsSync(join(target, "package.json")) && existsSync(join(target, TOO_OLD));
if (existsSync(target) && !isOurs) throw new Error(`Cannot build into ${target}: it is there, and no package of ours`);
await rm(target, { recursive: true, force: true });
const pages = PAGES.map((page) => `docs/${page}`);
for (const name of ["mod.ts", "src", "README.md", "LICENSE", ...pages, ...linkedFiles()]) {
  await cp(join(root, name), join(target, name), { recursive: true });
}
await writeFile(join(target, "package.json"), JSON.stringify(manifestOf(config, manifest), null, 2) + "\n");
const wrong = compile(config, target);
if (wrong !== "") {
  console.error(wrong);
  process.exit(1);
}
for (const standIn of STAND_INS) await nameModule(target, standIn);
await writeFile(join(target, TOO_OLD), "export {};\n");
