// The tables of the pages that are made from the code: failures, options, and what works where. A page says where one goes
// by a comment, `<!-- table: NAME -->`, and the table stands up to `<!-- end -->`.

import { handshakeFailures, protocolFailures } from "../../src/errors/failures.ts";
import { supportTable } from "../../tests/kit/support.ts";
import { optionTables } from "./options.ts";

/** The tables, by their names. */
export async function allTables(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ["handshake failures", handshakeTable()],
    ["protocol failures", protocolTable()],
    ["runtimes", supportTable()],
    ...await optionTables(),
  ]);
}

/** A table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [head, head.map(() => "---"), ...rows].map(line).join("\n");
}

function handshakeTable(): string {
  const rows = Object.entries(handshakeFailures).map(([failure, { status, section, sentence, retryable }]) => {
    return [`\`${failure}\``, status === 0 ? "–" : String(status), sentence, section, retryOf(retryable)];
  });
  return table(["`failure`", "Status", "What is wrong", "By", "Try again"], rows);
}

function protocolTable(): string {
  const rows = Object.entries(protocolFailures).map(([failure, { closeCode, section, sentence, retryable }]) => {
    return [`\`${failure}\``, String(closeCode), sentence, section, retryOf(retryable)];
  });
  return table(["`failure`", "Close code", "What is wrong", "By", "Try again"], rows);
}

function retryOf(retryable: boolean | "by status"): string {
  return typeof retryable === "string" ? retryable : retryable ? "yes" : "no";
}

/** A page with its tables put in. */
export function fill(page: string, tables: ReadonlyMap<string, string>): string {
  return page.replace(/<!-- table: (.+?) -->\n[^]*?<!-- end -->/g, (_, name: string) => {
    const made = tables.get(name);
    if (made === undefined) throw new Error(`There is no table ${name}`);
    return `<!-- table: ${name} -->\n\n${made}\n\n<!-- end -->`;
  });
}
