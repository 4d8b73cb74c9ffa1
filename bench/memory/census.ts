// Runs a server, and counts the objects on its heap whenever a line comes to its input: by name, how many there are and how
// many bytes they have. Its arguments are those of the server, or `{}`, and the server's file: see bench/memory/objects.ts.

import process from "node:process";
import { getHeapSnapshot } from "node:v8";

/** How many there are of each kind of object, and how many bytes all of them have. */
export type Census = Record<string, [count: number, bytes: number]>;

/** What is used of Bun, whose types would replace those of the other runtimes. */
interface BunHeap {
  generateHeapSnapshot(): {
    /** Four numbers each: an id, a size, the index of the name of its class, and flags. */
    readonly nodes: readonly number[];
    readonly nodeClassNames: readonly string[];
  };
}

/** A heap snapshot of V8's. */
interface Snapshot {
  readonly snapshot: {
    readonly meta: { readonly node_fields: string[]; readonly node_types: [string[], ...unknown[]] };
  };
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
}

function countOnBun({ generateHeapSnapshot }: BunHeap): Census {
  const { nodes, nodeClassNames } = generateHeapSnapshot(), census: Census = {};
  for (let i = 0; i < nodes.length; i += 4) add(census, nodeClassNames[nodes[i + 2]!]!, nodes[i + 1]!);
  return census;
}

async function countOnV8(): Promise<Census> {
  let text = "";
  for await (const chunk of getHeapSnapshot()) text += chunk;
  const { snapshot: { meta }, nodes, strings } = JSON.parse(text) as Snapshot, census: Census = {};
  const [type, name, size] = ["type", "name", "self_size"].map((field) => meta.node_fields.indexOf(field));
  for (let i = 0; i < nodes.length; i += meta.node_fields.length) {
    const kind = meta.node_types[0]![nodes[i + type!]!]!;
    add(census, kindOf(kind, strings[nodes[i + name!]!]!), nodes[i + size!]!);
  }
  return census;
}

/** An object is called after its class, anything else after what it is; a string's name is its text. */
function kindOf(kind: string, name: string): string {
  if (kind === "object") return name;
  if (kind.endsWith("string")) return `(${kind})`;
  return kind === "closure" ? `function ${name || "(anonymous)"}` : `(${kind}) ${name}`;
}

function add(census: Census, name: string, bytes: number): void {
  const entry = census[name] ??= [0, 0];
  entry[0]++;
  entry[1] += bytes;
}

process.stdin.on("data", async () => {
  const { Bun } = globalThis as { Bun?: BunHeap };
  console.log(`census ${JSON.stringify(Bun ? countOnBun(Bun) : await countOnV8())}`);
});
await import(process.argv[3]!);
