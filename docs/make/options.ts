// The tables of options: each interface of options as `deno doc` sees it, with what its doc comments say.

import { fileURLToPath } from "node:url";
import { table } from "./tables.ts";

/** What is read of what `deno doc --json` gives. */
interface Documentation {
  readonly nodes: Readonly<Record<string, { readonly symbols: readonly Symbol[] }>>;
}
interface Symbol {
  readonly name: string;
  readonly declarations: readonly {
    readonly kind: string;
    readonly def?: { readonly properties?: readonly Property[] };
  }[];
}
/** A property of an interface, or a type of its own. */
interface Property {
  readonly name: string;
  readonly jsDoc?: {
    readonly doc?: string;
    readonly tags?: readonly { readonly kind: string; readonly value?: string }[];
  };
  readonly location: { readonly filename: string; readonly line: number };
}

/** The ranges of numbers; a test tries their ends. */
export const RANGES = {
  time: "0 (off) to 2147483647 ms",
  size: "an integer of at least 0, or `Infinity`",
  head: "an integer of at least 1, or `Infinity`",
  delay: "0 to 2147483647 ms",
  pause: "more than 0, up to 2147483647 ms",
} as const;

/** What a number of each name is. */
export const NUMBERS: Readonly<Record<string, string>> = {
  handshakeTimeout: RANGES.time,
  timeout: RANGES.time,
  closeTimeout: RANGES.time,
  pingInterval: RANGES.time,
  idleTimeout: RANGES.time,
  resetAfter: RANGES.time,
  restartSpread: RANGES.time,
  firstDelay: RANGES.pause,
  maxDelay: RANGES.pause,
  maxHeadSize: RANGES.head,
  maxBodySize: RANGES.size,
  maxMessageSize: RANGES.size,
  streamAbove: RANGES.size,
  maxStreamedSize: RANGES.size,
  messageTimeout: RANGES.time,
  maxBufferedAmount: RANGES.size,
  highWaterMark: RANGES.size,
  maxWaiting: RANGES.size,
  followRedirects: RANGES.size,
  slowAbove: RANGES.size,
  maxQueuedMessages: RANGES.head,
  maxQueuedBytes: RANGES.size,
  publishTimeout: RANGES.time,
  threshold: RANGES.size,
  maxConnections: RANGES.head,
  maxPendingHandshakes: RANGES.head,
  maxConnectionsPerAddress: RANGES.head,
  maxConnectionsPerMinute: RANGES.head,
  maxKeys: RANGES.head,
  retryAfter: RANGES.delay,
  spread: RANGES.delay,
  within: RANGES.time,
  window: RANGES.pause,
  limit: "an integer of at least 1",
  port: "0 to 65535",
  level: "0 to 9",
  memLevel: "1 to 9",
  serverMaxWindowBits: "8 to 15; at a server 9 to 15",
  clientMaxWindowBits: "8 to 15; at a client 9 to 15",
};

/** A table for each interface of options, by its name. */
export async function optionTables(): Promise<[name: string, table: string][]> {
  const root = new URL("../../", import.meta.url);
  const args = [
    "doc",
    "--json",
    "mod.ts",
    "src/bun.ts",
    "src/rooms.ts",
    "src/stream.ts",
    "src/protocol.ts",
    "src/testing.ts",
    "src/websocket.ts",
  ];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: root }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) throw new Error(`Failed to read the documentation: ${text(stderr)}`);
  const { nodes }: Documentation = JSON.parse(text(stdout));
  return Object.entries(nodes).flatMap(([entry, { symbols }]) =>
    symbols.flatMap(({ name, declarations }) =>
      declarations.flatMap(({ kind, def }): [string, string][] => {
        if (kind !== "interface" || !name.endsWith("Options") || !def?.properties) return [];
        const rows = def.properties.map(rowOf), title = entry.endsWith("/bun.ts") ? `${name} on Bun` : name;
        return [[title, table(["Option", "Allowed", "Default", "What it does"], rows)]];
      })
    )
  );
}

function rowOf(property: Property): string[] {
  const { name, jsDoc = {} } = property;
  const byDefault = jsDoc.tags?.find(({ kind }) => kind === "default")?.value;
  const prose = (jsDoc.doc ?? "").trim().replace(/\{@linkcode (\S+?)\}/g, "`$1`").replace(/\s*\n\s*/g, " ");
  return [`\`${name}\``, allowed(property), byDefault === undefined ? "" : `\`${grouped(byDefault)}\``, prose];
}

/** Types with a name of their own that say nothing by it, as they are written in src/. */
const ALIASES: Readonly<Record<string, [file: string, name: string]>> = {
  "Origins": ["src/handshake/origin.ts", "Origins"],
  "SlowMembers": ["src/group/broadcast.ts", "SlowMembers"],
  "Decorator<RequestDraft>": ["src/handshake/decorator.ts", "Decorator<Draft>"],
  "Decorator<ResponseDraft>": ["src/handshake/decorator.ts", "Decorator<Draft>"],
};

/** The type of an option as it is written, or for a number its range. */
function allowed({ name, location }: Property): string {
  const lines = Deno.readTextFileSync(fileURLToPath(location.filename)).split("\n").slice(location.line);
  const written = /^\s*(?:readonly )?\w+\??:\s*([^]*?);\n/.exec(lines.join("\n"))?.[1] ?? "";
  const type = written.replace(/\s+/g, " ").replace(/^\| /, "").replace(/ ?\| undefined$/, "");
  if (type === "number") return NUMBERS[name] ?? "`number`";
  const alias = ALIASES[type];
  return `\`${alias ? definition(...alias).replace("Draft", /<(\w+)>/.exec(type)?.[1] ?? "") : type}\``;
}

function definition(file: string, name: string): string {
  const code = Deno.readTextFileSync(new URL(`../../${file}`, import.meta.url)), start = `export type ${name} = `;
  const from = code.indexOf(start) + start.length;
  return code.slice(from, code.indexOf(";\n", from));
}

/** A large number in groups of three digits. */
function grouped(value: string): string {
  return /^\d{5,}$/.test(value) ? value.replace(/\B(?=(\d{3})+$)/g, "_") : value;
}
