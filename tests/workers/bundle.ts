// Bundles a Worker in a process of its own, since esbuild's ports outlive a test; prints its size and what it imports.
//
//   bundle.ts '{ "entry": …, "outfile": …, "from": … }'

import { build, type Plugin } from "esbuild";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { gzipSync } from "node:zlib";

/** What to bundle, and how. */
export interface BundleOptions {
  readonly entry: string;
  readonly outfile: string;
  /**
   * Where the library is taken from: the folder of the package as npm has it, under the condition `workerd`; without it the
   * sources, which are what JSR has.
   */
  readonly from?: string | undefined;
  /** It is a test of this project: it needs no module of Node's for what it does here. */
  readonly isTest?: boolean | undefined;
}

/** What came of it. */
export interface Bundle {
  /** Bytes, minified, and with gzip. */
  readonly size: number;
  readonly zipped: number;
  /** What is imported from outside of the bundle. */
  readonly imports: readonly string[];
}

const root = join(import.meta.dirname!, "../..");

/** The library by its name, and by the paths that tests have it by. */
function library(from: string | undefined): Plugin {
  const manifest = JSON.parse(readFileSync(join(from ?? root, "package.json"), "utf8"));
  return {
    name: "library",
    setup(bundle) {
      bundle.onResolve({ filter: /^@handfast\/websocket(?:\/|$)/ }, ({ path }) => {
        const entry = manifest.exports[`.${path.slice("@handfast/websocket".length)}`];
        return { path: join(from ?? root, entry.default ?? entry) };
      });
      bundle.onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) => {
        const target = join(resolveDir, path),
          [, ours] = /^((?:src\/.*|mod)\.)ts$/.exec(target.slice(root.length + 1)) ?? [];
        return from && ours && target.startsWith(root) ? { path: join(from, "dist", `${ours}js`) } : undefined;
      });
    },
  };
}

/** In tests: registers them for later, and has nothing of Node but the compressor that rows are made with. */
const TEST: Plugin = {
  name: "test",
  setup(bundle) {
    bundle.onResolve({ filter: /\/kit\/harness\.ts$/ }, () => ({ path: join(import.meta.dirname!, "harness.ts") }));
    bundle.onResolve(
      { filter: /^node:/ },
      ({ path }) => path === "node:zlib" ? undefined : { path, namespace: "node" },
    );
    bundle.onLoad({ filter: /^/, namespace: "node" }, () => ({ contents: "module.exports = {}" }));
  },
};

const { entry, outfile, from, isTest }: BundleOptions = JSON.parse(process.argv[2]!);
const { metafile, warnings } = await build({
  entryPoints: [entry],
  outfile,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2024",
  metafile: true,
  logLevel: "error",
  conditions: from ? ["workerd"] : [],
  external: ["cloudflare:*", "node:*"],
  plugins: [...(isTest ? [TEST] : []), library(from)],
});
if (warnings.length > 0) throw new Error(JSON.stringify(warnings));
const [output] = Object.values(metafile.outputs), code = readFileSync(outfile);
const imports = output!.imports.map(({ path }) => path);
console.log(
  JSON.stringify({ size: code.length, zipped: gzipSync(code, { level: 9 }).length, imports } satisfies Bundle),
);
process.exit(0);
