// The package for npm as a user gets it: built, packed, installed into a project of its own, and used there; first of all by
// what the README begins with.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { linkedFiles, PAGES } from "../../docs/make/pages.ts";
import { test } from "../kit/harness.ts";
import { findRuntimes, nodeOf } from "../kit/runtimes.ts";
import { testFirstSteps } from "./npm/first_steps.ts";
import { emptyFolder, npmInstall, packageFile, run } from "./npm/pack.ts";

const root = join(import.meta.dirname!, "../..");

/** The oldest that the package is for, and those that most have. */
const NODES = ["22.1.0", "24.21.0", "26.12.1"];

/** The project of a user who has Node's types, none of the DOM's, and looks into those of packages. */
const PROJECT = { private: true, type: "module" };
const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ["lib.es2023.d.ts"],
  types: ["node"],
  module: ts.ModuleKind.NodeNext,
  strict: true,
  skipLibCheck: false,
};

/** Installs it in a new project. */
function install(project: string): void {
  writeFileSync(join(project, "package.json"), JSON.stringify(PROJECT));
  const { version } = JSON.parse(readFileSync(join(root, "node_modules/@types/node/package.json"), "utf8"));
  npmInstall([packageFile(), `@types/node@${version}`], project);
}

/** Compiles programs in the project; gives what the compiler says. */
function compile(project: string, names: readonly string[], changed: ts.CompilerOptions = {}): string {
  mkdirSync(join(project, "src"), { recursive: true });
  const programs = names.map((name) => {
    const copy = join(project, "src", name);
    copyFileSync(join(root, "tests/whole/npm", name), copy);
    return copy;
  });
  const options = { ...OPTIONS, ...changed, outDir: project, rootDir: join(project, "src") };
  const host = ts.createCompilerHost(options);
  host.getCurrentDirectory = () => project;
  const program = ts.createProgram(programs, options, host);
  const wrong = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics];
  return ts.formatDiagnostics(wrong, host);
}

const project = emptyFolder();
const installed = join(project, "node_modules/@handfast/websocket");
const manifestOf = (folder: string) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

test("npm pack makes a package with the entries of JSR, and installs with nothing but pako", { needs: "npm" }, () => {
  install(project);
  const { scripts, devDependencies, ...manifest } = manifestOf(installed);
  const config = JSON.parse(readFileSync(join(root, "deno.json"), "utf8"));
  assertEquals([scripts, devDependencies], [undefined, undefined]);
  assertEquals([manifest.name, manifest.version, manifest.license], [config.name, config.version, config.license]);
  assertEquals(Object.keys(manifest.exports), Object.keys(config.exports));
  assertEquals(manifest.dependencies, { pako: config.imports.pako.replace("npm:pako@", "") });
  for (const name of ["README.md", "LICENSE"]) {
    assertEquals(readFileSync(join(installed, name), "utf8"), readFileSync(join(root, name), "utf8"));
  }
  for (const name of [...PAGES.map((page) => `docs/${page}`), ...linkedFiles()]) {
    assert(existsSync(join(installed, name)), `the README or a page leads to ${name}`);
  }
  const lock = JSON.parse(readFileSync(join(project, "package-lock.json"), "utf8"));
  const packages = Object.keys(lock.packages).filter((path) => path !== "").map((path) =>
    path.replace("node_modules/", "")
  );
  assertEquals(packages, ["@handfast/websocket", "@types/node", "pako", "undici-types"]);
});

test("its types say what is right and what is wrong where there are none of the DOM", { needs: "npm" }, () => {
  assertEquals(compile(project, ["calls.ts", "echo.ts"]), "");
});

/** What a user's compiler knows of events. */
const LIBRARIES: Readonly<Record<string, ts.CompilerOptions>> = {
  "Node's types": {},
  "the DOM's types": {
    lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
    types: [],
    skipLibCheck: true,
  },
  "the types of both": { lib: ["lib.es2023.d.ts", "lib.dom.d.ts"], skipLibCheck: true },
};
for (const [name, options] of Object.entries(LIBRARIES)) {
  test(`handlers that are written for a browser are right with ${name}`, { needs: "npm" }, () => {
    assertEquals(compile(project, ["browser.ts"], options), "");
  });
}

test("its types are missing to a compiler that would take them for any", { needs: "npm" }, () => {
  for (const entry of Object.values(manifestOf(installed).exports) as Record<string, string>[]) {
    assertEquals(Object.keys(entry), ["types@<5.7", "types", "default"]); // the first that fits is taken
    assertEquals(readFileSync(join(installed, entry["types@<5.7"]!), "utf8"), "export {};\n");
  }
});

/** Bundles the program and prints what esbuild warns of. In a process of its own: esbuild's ports outlive a test. */
const BUNDLE = `
  import { buildSync } from "esbuild";
  const [, project] = process.argv, bundle = { outfile: project + "/bundle.mjs", bundle: true, platform: "node", format: "esm" };
  const { warnings } = buildSync({ ...bundle, entryPoints: [project + "/echo.js"], logLevel: "error" });
  console.log(JSON.stringify(warnings));
`;

const ENTRIES = { serve: true, node: true, rooms: true, stream: true, testing: true, websocket: true, protocol: true };
for (const version of NODES) {
  const node = nodeOf(version), lacks = node ? undefined : `needs node ${version}`;
  test(
    `it runs on Node ${version}, as it is and bundled, and its errors lead to its sources`,
    { needs: "npm", lacks },
    () => {
      const [line, place] = run([...node!, "--enable-source-maps"], ["echo.js"], project).trim().split("\n");
      assertEquals(JSON.parse(line!), ENTRIES);
      const [, path, number] = /^\(?(?:file:\/\/)?(.*):(\d+)$/.exec(place!)!;
      assertMatch(path!, /\/node_modules\/@handfast\/websocket\/src\/handshake\/url\.ts$/);
      assertStringIncludes(readFileSync(path!, "utf8").split("\n")[Number(number) - 1]!, "throw new DOMException");

      assertEquals(run(node!, ["--input-type=module", "--eval", BUNDLE, project], root), "[]\n");
      assertEquals(JSON.parse(run(node!, ["bundle.mjs"], project).split("\n")[0]!), ENTRIES);
    },
  );
}

const { bun } = findRuntimes();
test("it runs on Bun", { needs: "npm", lacks: bun ? undefined : "needs bun" }, () => {
  const [line] = run(bun!, ["echo.js"], project).split("\n");
  assertEquals(JSON.parse(line!), { bun: true, ...ENTRIES });
});

testFirstSteps();
