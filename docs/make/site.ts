// The pages as HTML, with the README as the first one and the reference beside them.

import { Marked } from "marked";
import { readdir } from "node:fs/promises";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import config from "../../deno.json" with { type: "json" };
import { anchorOf, linkedFiles, PAGES } from "./pages.ts";

/**
 * Writes the pages.
 *
 * @param root The project's folder.
 * @param site The folder for the site.
 */
export async function makeSite(root: URL, site: URL): Promise<void> {
  const sources = [["README.md", "index.html"], ...PAGES.map((page) => [`docs/${page}`, nameOf(page)])];
  const pages = await Promise.all(sources.map(async ([source, name]) => {
    const text = await Deno.readTextFile(new URL(source!, root));
    return { name: name!, text, title: /^# (.+)$/m.exec(text)![1]! };
  }));
  const links = pages.map(({ name, title }) => ({
    name,
    title: name === "index.html" ? "Overview" : shortened(title),
  }));
  links.push(...MODULES);
  for (const { name, text, title } of pages) {
    await Deno.writeTextFile(new URL(name, site), whole(title, name, links, await asHtml(text)));
  }
  await Deno.mkdir(new URL("files/", site));
  for (const file of linkedFiles()) await Deno.copyFile(new URL(file, root), new URL(fileOf(file), site));
}

/** The entries in the reference. */
const MODULES: readonly Link[] = [
  { name: "reference/index.html", title: "Reference" },
  ...["bun", "node", "rooms", "stream", "testing", "protocol"].map((entry) => ({
    name: `reference/${entry}/index.html`,
    title: `/${entry}`,
  })),
];

/** "Messages and back-pressure" and "The handshake, step by step" in a list of pages. */
function shortened(title: string): string {
  const short = title.replace(/^The |(?:,| and | your | without | here).*$/g, "");
  return short.charAt(0).toUpperCase() + short.slice(1);
}

/**
 * Lets the reference that `deno doc` has made lead back to the pages, say how to import, open from a disk, and fit a phone.
 *
 * @param reference Its folder.
 */
export async function joinReference(reference: URL): Promise<void> {
  await appendTo(new URL("styles.css", reference), NARROW);
  const root = fileURLToPath(reference.href);
  for (const path of await readdir(root, { recursive: true })) {
    if (!path.endsWith(".html")) continue;
    const file = join(root, path), up = "../".repeat(path.split(sep).length);
    const html = (await Deno.readTextFile(file))
      .replace('<ul class="breadcrumbs">', `$&<li><a href="${up}index.html" class="contextLink">Pages</a></li>`)
      // The entries are known to it by their names in deno.json alone
      .replace(/from &quot;(\.|bun|node|rooms|stream|testing|protocol)&quot;/g, (_, entry: string) => {
        return `from &quot;${config.name}${entry === "." ? "" : `/${entry}`}&quot;`;
      })
      .replace(/href="((?:\.\.&#x2F;)+)"/g, 'href="$1index.html"');
    await Deno.writeTextFile(file, html);
  }
}

async function appendTo(file: URL, text: string): Promise<void> {
  await Deno.writeTextFile(file, text, { append: true });
}

const NARROW = `
.ddoc .breadcrumbs { gap: 0.75rem; }
@media (max-width: 60rem) {
  .ddoc, .ddoc * { min-width: 0 !important; }
  .ddoc pre { overflow-x: auto; }
  .ddoc h1, .ddoc h2, .ddoc h3, .ddoc a, .ddoc code, .ddoc p { overflow-wrap: anywhere; }
  .ddoc #topnav { height: auto; position: static; }
  .ddoc #topnav > div, .ddoc .breadcrumbs { flex-wrap: wrap; }
}
`;

const nameOf = (page: string) => page.replace(/\.md$/, ".html").toLowerCase();
const fileOf = (path: string) => `files/${path.split("/").at(-1)}`;

/** A link of a page, in the site. */
function linkOf(href: string): string {
  if (/^(?:https?:|#)/.test(href)) return href;
  const [path = "", anchor] = href.replace(/^docs\//, "").split("#");
  if (!(PAGES as readonly string[]).includes(path)) return fileOf(path);
  return nameOf(path) + (anchor === undefined ? "" : `#${anchor}`);
}

async function asHtml(markdown: string): Promise<string> {
  const marked = new Marked({
    walkTokens(token) {
      if (token.type === "link" || token.type === "image") token.href = linkOf(token.href);
    },
    renderer: {
      heading({ tokens, depth, text }) {
        return `<h${depth} id="${anchorOf(text)}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
    },
  });
  const html = await marked.parse(markdown);
  // A wide table scrolls by itself, and not the page
  return html.replaceAll("<table>", '<div class="wide" tabindex="0"><table>').replaceAll("</table>", "</table></div>");
}

interface Link {
  readonly name: string;
  readonly title: string;
}

function whole(title: string, name: string, links: readonly Link[], content: string): string {
  const items = links.map((link) => {
    const current = link.name === name ? ' aria-current="page"' : "";
    return `<li><a href="${link.name}"${current}>${link.title}</a></li>`;
  });
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title === "Handfast" ? title : `${title} · Handfast`}</title>
<style>${STYLE}</style>
</head>
<body>
<nav aria-label="Documentation">
<ul>${items.join("")}</ul>
</nav>
<main>
${content}</main>
</body>
</html>
`;
}

const STYLE = `
:root { color-scheme: light dark; --paper: #fbfaf7; --sheet: #f1efe9; --ink: #1d1f21; --quiet: #5f6469; --line: #e2e0da;
  --accent: #0f766e; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #121415; --sheet: #1d2122; --ink: #e9e8e4; --quiet: #9ba1a5; --line: #2d3234; --accent: #5cc8b5; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.6 system-ui, sans-serif; }
a { color: var(--accent); text-underline-offset: 0.2em; }
nav { border-bottom: 1px solid var(--line); padding: 0.75rem 1rem; }
nav ul { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; font-size: 0.9375rem; }
nav a { text-decoration: none; }
nav [aria-current] { color: var(--ink); font-weight: 600; }
main { padding: 1rem; max-width: 62rem; min-width: 0; }
h1 { font-size: clamp(1.75rem, 5vw, 2.25rem); letter-spacing: -0.02em; line-height: 1.2; margin: 0.5rem 0 1rem; }
h2 { margin: 2.5rem 0 0.75rem; line-height: 1.3; }
pre { background: var(--sheet); border: 1px solid var(--line); border-radius: 0.5rem; padding: 0.875rem 1rem;
  overflow-x: auto; }
code { font: 0.875em/1.55 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
:not(pre) > code { background: var(--sheet); border-radius: 0.25rem; padding: 0.1em 0.3em; overflow-wrap: anywhere; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: 0.9375rem; }
th, td { text-align: left; vertical-align: top; padding: 0.4rem 0.75rem 0.4rem 0; border-bottom: 1px solid var(--line); }
td { min-width: 6rem; }
td:last-child { min-width: 14rem; }
td:first-child code, td:nth-last-child(2) code { white-space: nowrap; }
img { max-width: 100%; height: auto; border: 1px solid var(--line); border-radius: 0.5rem; }
@media (min-width: 64rem) {
  body { display: grid; grid-template-columns: 15rem minmax(0, 1fr); }
  nav { border: 0; padding: 2rem 1rem 2rem 2rem; position: sticky; top: 0; height: 100vh; overflow-y: auto; }
  nav ul { flex-direction: column; }
  main { padding: 1.5rem 2rem 4rem; }
}
`;
