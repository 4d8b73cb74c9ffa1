// The file that npm publishes, built and packed once for all tests of a process; and folders for what it is installed into.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname!, "../../..");

const folders: string[] = [];
globalThis.addEventListener("unload", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A new folder with nothing in it, nor in one above it; deleted at the end. */
export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "npm-"));
  folders.push(folder);
  return folder;
}

/** Runs a command to its end; gives what it prints. */
export function run([file, ...command]: readonly string[], args: readonly string[], cwd: string): string {
  return execFileSync(file!, [...command, ...args], {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 120_000,
  });
}

/** Installs packages by npm. */
export function npmInstall(packages: readonly string[], folder: string): void {
  run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefer-offline"], packages, folder);
}

let built: string | undefined, packed: string | undefined;

/** The package as it is built, where what it imports is found. */
export function packageFolder(): string {
  return built ??= build();
}

/** The path of the package as `npm pack` makes it. */
export function packageFile(): string {
  return packed ??= pack();
}

function build(): string {
  const folder = emptyFolder(), build = join(folder, "build");
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  run([Deno.execPath(), "run", "-A", ".ci/npm.ts"], [build], root);
  return build;
}

function pack(): string {
  const folder = emptyFolder();
  return join(folder, run(["npm", "pack", "--silent"], ["--pack-destination", folder], packageFolder()).trim());
}
