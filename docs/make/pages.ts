// The pages of the documentation, in the order in which they are listed, the blocks of code in them, and where they lead to.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The files of docs/, in the order of the index. */
export const PAGES = [
  "servers.md",
  "clients.md",
  "messages.md",
  "websocket.md",
  "stream.md",
  "many.md",
  "rooms.md",
  "growing.md",
  "compression.md",
  "errors.md",
  "options.md",
  "runtimes.md",
  "workers.md",
  "handshake.md",
  "http2.md",
  "machine.md",
  "testing.md",
  "moving.md",
  "faq.md",
  "SECURITY.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "design.md",
] as const;

/** A block of code: what stands behind its three backticks, and the code. */
export interface Block {
  readonly language: string;
  /** The words behind the language. */
  readonly words: readonly string[];
  readonly code: string;
}

/** The blocks of code of a page. */
export function blocksOf(page: string): Block[] {
  return [...page.matchAll(/^```(\S+)([^\n]*)\n([^]*?)^```$/gm)].map(([, language, words, code]) => {
    return { language: language!, words: words!.trim().split(" ").filter(Boolean), code: code! };
  });
}

/** The headings of a page as GitHub makes anchors of them. */
export function anchorsOf(page: string): string[] {
  const prose = page.replace(/^```[^]*?^```$/gm, "");
  return [...prose.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => anchorOf(heading!));
}

/** A heading as an anchor. */
export function anchorOf(heading: string): string {
  return heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-");
}

/** The links of a page: where they lead to, from docs/. */
export function linksOf(page: string): string[] {
  const prose = page.replace(/^```[^]*?^```$/gm, "").replace(/`[^`\n]*`/g, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, to]) => to!);
}

/**
 * What the README and the pages lead to beside each other, by its path in the project: pictures, programs, measurements. It
 * goes wherever they go.
 */
export function linkedFiles(): string[] {
  const root = new URL("../../", import.meta.url);
  const pages = ["README.md", ...PAGES.map((page) => `docs/${page}`)];
  const files = pages.flatMap((page) => {
    const here = new URL(page, root);
    return linksOf(readFileSync(fileURLToPath(here.href), "utf8")).filter((link) => !/^(?:https?:|#)/.test(link))
      .map((link) => new URL(link.split("#")[0]!, here).href.slice(root.href.length));
  });
  return [...new Set(files)].filter((file) => !pages.includes(file));
}
