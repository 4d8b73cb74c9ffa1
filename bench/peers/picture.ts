// The picture of a summary: bars of messages per second of CPU time, and the ratios of ours. It is readable on light and
// on dark, and needs no font.

import { type Cell, figure, short } from "./results.ts";
import { type Kind, nameOf, type Runtime } from "./servers.ts";

const WORKLOAD = "32 × 20 B × 16 binary";
const GROUPS: readonly [runtime: Runtime, kinds: readonly Kind[]][] = [
  ["Bun", ["direct", "for-await", "pipeTo", "native", "ws corked", "ws"]],
  ["Deno", ["direct", "for-await", "pipeTo", "native", "ws corked", "ws"]],
  ["Node", ["direct", "for-await", "pipeTo", "ws corked", "ws"]],
  ["Node 26", ["direct", "ws"]],
  ["C, C++", ["Beast", "Beast fast", "lws"]],
];
/** The peers whose ratios are written beside our bars, and their names there. */
const RATIOS: readonly Kind[] = ["native", "ws", "Beast"];

const WIDTH = 900, NAMES = 196, BARS = 270, ROW = 22, GAP = 14, TOP = 58;

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
  const all = cells.filter(({ workload, kind }) => workload === WORKLOAD && kind !== "raw");
  const most = Math.max(1, ...all.map(({ runtime, kind }) => figure(cells, WORKLOAD, runtime, kind) ?? 0));
  let y = TOP;
  const rows: string[] = [];
  for (const [runtime, kinds] of GROUPS) {
    const present = kinds.filter((kind) => figure(cells, WORKLOAD, runtime, kind) !== undefined);
    if (present.length === 0) continue;
    for (const kind of present) {
      rows.push(row(cells, runtime, kind, y, most));
      y += ROW;
    }
    y += GAP;
  }
  const height = y + 20;
  const title = "Echoed messages per second of the server's CPU time: 32 connections, 20 bytes, 16 in flight";
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `  <title>${title}</title>`,
    `  <style>${STYLE}</style>`,
    text(10, 24, title, "title"),
    text(10, 43, "More is better. TCP on one machine, no TLS, no compression.", "note"),
    ...rows,
    text(10, height - 10, where, "note"),
    "</svg>\n",
  ].join("\n");
}

function row(cells: readonly Cell[], runtime: Runtime, kind: Kind, y: number, most: number): string {
  const value = figure(cells, WORKLOAD, runtime, kind)!, width = Math.max(1, value / most * BARS);
  const isOurs = nameOf(runtime, kind).startsWith("Handfast");
  const ratios = isOurs ? RATIOS.flatMap((peer) => ratio(cells, runtime, value, peer)) : [];
  const label = [short(value), ...ratios].join(" · ");
  const bar = `  <rect class="${isOurs ? "ours" : "peer"}" x="${NAMES}" y="${y + 3}" width="${width.toFixed(1)}" ` +
    `height="${ROW - 6}" rx="2"/>`;
  const name = text(NAMES - 8, y + 15, nameOf(runtime, kind), "", "end");
  return [name, bar, text(NAMES + width + 8, y + 15, label)].join("\n");
}

function ratio(cells: readonly Cell[], runtime: Runtime, value: number, peer: Kind): string[] {
  const other = figure(cells, WORKLOAD, runtime, peer);
  if (other === undefined) return [];
  const times = value / other, name = peer === "native" ? nameOf(runtime, peer) : peer;
  return [`${times.toFixed(times < 10 ? 1 : 0)} × ${name}`];
}

function text(x: number, y: number, content: string, style = "", anchor = "start"): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `  <text x="${x.toFixed(1)}" y="${y}" class="${style}" text-anchor="${anchor}">${escaped}</text>`;
}
