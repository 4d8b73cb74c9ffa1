// Reports in the format of JUnit, as far as all runtimes write it alike: which cases there were, and what came of each.

/** What came of a case. */
export type Outcome = "passed" | "failed" | "ignored";

const CASE = /<testcase((?:\s+[\w:-]+="[^"]*")*)\s*(?:\/>|>([^]*?)<\/testcase>)/g;

/** The outcomes by the names of the cases. Of several cases with one name each has its number behind the name. */
export function readReport(xml: string): Map<string, Outcome> {
  const outcomes = new Map<string, Outcome>();
  for (const [, attributes = "", body = ""] of xml.matchAll(CASE)) {
    const name = unescape(/\sname="([^"]*)"/.exec(attributes)?.[1] ?? "");
    let unique = name;
    for (let i = 2; outcomes.has(unique); i++) unique = `${name} #${i}`;
    outcomes.set(unique, /<(?:failure|error)\b/.test(body) ? "failed" : /<skipped\b/.test(body) ? "ignored" : "passed");
  }
  return outcomes;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** Again and again: Node escapes quotes twice. */
function unescape(text: string): string {
  const less = text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (all, hex, decimal, name) => {
    if (name) return ENTITIES[name] ?? all;
    return String.fromCodePoint(hex ? parseInt(hex, 16) : Number(decimal));
  });
  return less === text ? text : unescape(less);
}

/** A line for each case that not all had, or not with the same outcome. */
export function compare(reports: readonly (readonly [title: string, outcomes: ReadonlyMap<string, Outcome>])[]) {
  const names = new Set(reports.flatMap(([, outcomes]) => [...outcomes.keys()]));
  const lines: string[] = [];
  for (const name of names) {
    const found = reports.map(([title, outcomes]) => [title, outcomes.get(name) ?? "not run"] as const);
    if (new Set(found.map(([, outcome]) => outcome)).size < 2) continue;
    lines.push(`differs: «${name}»: ${found.map(([title, outcome]) => `${title} ${outcome}`).join(", ")}`);
  }
  return lines;
}
