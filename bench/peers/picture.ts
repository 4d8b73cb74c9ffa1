// The picture of a summary: bars, and the ratios of ours (bench/peers/panels.ts). It is readable on light and on dark, and
// needs no font.

import { type Panel, PANELS } from "./panels.ts";
import type { Cell } from "./results.ts";
import { type Kind, nameOf, type Runtime, runtimeOf } from "./servers.ts";

const WIDTH = 900, NAMES = 210, BARS = 270, ROW = 22, GAP = 14, HEAD = 58, BETWEEN = 10;

const STYLE = `
    text { font: 13px system-ui, sans-serif; fill: #24292f }
    .title { font-weight: 600; font-size: 15px }
    .note { fill: #57606a; font-size: 12px }
    .ours { fill: #0969da }
    .peer { fill: #afb8c1 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .note { fill: #9198a1 }
      .ours { fill: #4493f8 }
      .peer { fill: #656c76 }
    }
  `;

/** The picture, as SVG. */
export function picture(cells: readonly Cell[], where: string): string {
  let y = 0;
  const lines: string[] = [];
  for (const panel of PANELS) {
    const drawn = draw(panel, cells, y);
    if (!drawn) continue;
    lines.push(...drawn.lines);
    y = drawn.end + BETWEEN;
  }
  const height = y + 20, title = "Handfast beside its peers";
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `  <title>${title}</title>`,
    `  <style>${STYLE}</style>`,
    ...lines,
    text(10, height - 10, where, "note"),
    "</svg>\n",
  ].join("\n");
}

/** A panel from a height on, and where it ends; `undefined` where nothing of it was measured. */
function draw(panel: Panel, cells: readonly Cell[], top: number): { lines: string[]; end: number } | undefined {
  const groups = panel.rows.map(([runtime, kinds]) => {
    return kinds.flatMap((kind) => {
      const value = panel.value(cells, runtime, kind);
      return value === undefined ? [] : [{ runtime, kind, value }];
    });
  }).filter((rows) => rows.length > 0);
  if (groups.length === 0) return undefined;
  const most = Math.max(...groups.flat().map(({ value }) => value));
  const lines = [text(10, top + 24, panel.title, "title"), text(10, top + 43, panel.note, "note")];
  let y = top + HEAD;
  for (const rows of groups) {
    for (const { runtime, kind, value } of rows) {
      lines.push(row(panel, cells, runtime, kind, y, value, value / most * BARS));
      y += ROW;
    }
    y += GAP;
  }
  return { lines, end: y };
}

function row(
  panel: Panel,
  cells: readonly Cell[],
  runtime: Runtime,
  kind: Kind,
  y: number,
  value: number,
  length: number,
): string {
  const isOurs = nameOf(runtime, kind).startsWith("Handfast"), width = Math.max(1, length);
  const ratios = isOurs ? panel.ratios.flatMap((peer) => ratio(panel, cells, runtime, value, peer)) : [];
  const label = [panel.told(value), ...ratios].join(" · ");
  const bar = `  <rect class="${isOurs ? "ours" : "peer"}" x="${NAMES}" y="${y + 3}" width="${width.toFixed(1)}" ` +
    `height="${ROW - 6}" rx="2"/>`;
  const name = text(NAMES - 8, y + 15, nameOf(runtime, kind), "", "end");
  return [name, bar, text(NAMES + width + 8, y + 15, label)].join("\n");
}

function ratio(panel: Panel, cells: readonly Cell[], runtime: Runtime, value: number, peer: Kind): string[] {
  const other = panel.value(cells, runtimeOf(peer, runtime), peer);
  if (other === undefined) return [];
  const times = value / other, name = peer === "native" || peer === "own" ? nameOf(runtime, peer) : peer;
  return [`${times.toFixed(times < 10 ? 1 : 0)} × ${name}`];
}

function text(x: number, y: number, content: string, style = "", anchor = "start"): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `  <text x="${x.toFixed(1)}" y="${y}" class="${style}" text-anchor="${anchor}">${escaped}</text>`;
}
