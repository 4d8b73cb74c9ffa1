// What the documentation of a public symbol must have, as `deno doc` sees it: a description, an example that asserts
// and starts from what users import, and a word for each parameter and result. That examples run is `deno test --doc`.

import { assert, assertEquals } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { test } from "../kit/harness.ts";

/** A JSDoc comment. */
interface Comment {
  readonly doc?: string;
  readonly tags?: readonly {
    readonly kind: string;
    readonly name?: string;
    readonly doc?: string;
    readonly tsType?: unknown;
  }[];
}

/** What is called with what, and gives what. */
interface Signature {
  readonly params: readonly {
    readonly name?: string;
    /** With a default, or with three dots. */
    readonly left?: { readonly name?: string };
    readonly arg?: { readonly name?: string };
  }[];
  readonly returnType?: { readonly repr?: string };
}

interface Member extends Partial<Signature> {
  readonly name: string;
  readonly kind?: string;
  readonly jsDoc?: Comment;
  readonly accessibility?: string;
  readonly functionDef?: Signature;
}

interface Declaration {
  readonly kind: string;
  readonly jsDoc?: Comment;
  readonly def?: Partial<Signature> & {
    readonly hasBody?: boolean;
    readonly constructors?: readonly Member[];
    readonly methods?: readonly Member[];
    readonly properties?: readonly Member[];
  };
}

interface Documentation {
  readonly nodes: Readonly<Record<string, Entry>>;
}

interface Entry {
  readonly module_doc?: Comment;
  readonly symbols: readonly { readonly name: string; readonly declarations: readonly Declaration[] }[];
}

const root = new URL("../../", import.meta.url);
const entries = Object.entries(config.exports).map(([key, file]) => ({ specifier: config.name + key.slice(1), file }));

const { nodes } = ((): Documentation => {
  const args = ["doc", "--json", ...entries.map(({ file }) => file)];
  const { success, stdout, stderr } = new Deno.Command(Deno.execPath(), { args, cwd: root }).outputSync();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`Failed to read the documentation: ${decoder.decode(stderr)}`);
  return JSON.parse(decoder.decode(stdout));
})();

const all = Object.values(nodes).flatMap(({ symbols }) =>
  symbols.flatMap(({ name, declarations }) => publicOf(declarations).map((declaration) => ({ name, ...declaration })))
);

/** What can be called of a function with overloads are those, and not what stands behind them. */
function publicOf(declarations: readonly Declaration[]): readonly Declaration[] {
  const functions = declarations.filter(({ kind }) => kind === "function");
  return functions.length < 2 ? declarations : declarations.filter(({ def }) => !def?.hasBody);
}

/** Where each symbol is defined; an entry that exports another's refers to it. */
const symbols = all.filter(({ kind }) => kind !== "reference");
const modules = entries.map(({ specifier, file }) => ({
  name: specifier,
  jsDoc: nodes[new URL(file, root).href]?.module_doc,
}));

const members = symbols.flatMap(({ name, def }) =>
  [...def?.constructors ?? [], ...def?.methods ?? [], ...def?.properties ?? []]
    .filter(({ accessibility }) => accessibility !== "private")
    .map((member) => ({ ...member, name: `${name}.${member.name}` }))
);

/** Everything that is called: functions, constructors, methods. */
const callables = [
  ...symbols.filter(({ kind }) => kind === "function").map(({ def, ...symbol }) => ({ ...symbol, ...def })),
  ...members.filter(({ kind }) => kind !== "getter").map((member) => ({ ...member, ...member.functionDef })),
].flatMap(({ name, jsDoc, params, returnType }) => params ? [{ name, jsDoc, params, returnType }] : []);

function tagsOf(comment: Comment | undefined, kind: string): NonNullable<Comment["tags"]> {
  return comment?.tags?.filter((tag) => tag.kind === kind) ?? [];
}

/** The code of each example; `""` for one without, or with code that is not run. What is ignored here is for Bun. */
function examplesOf(comment: Comment | undefined): string[] {
  return tagsOf(comment, "example").map(({ doc = "" }) => {
    const [, ignored, code = ""] = /^```ts( ignore)?\n([^]*?)^```/m.exec(doc) ?? [];
    return ignored && !code.includes('"@handfast/websocket/bun"') ? "" : code;
  });
}

function isBlank(text: string | undefined): boolean {
  return text === undefined || !/\w/.test(text);
}

/** The names of those for which there is something to say. */
function offenders<Item extends { readonly name: string }>(
  items: readonly Item[],
  complaint: (item: Item) => boolean | string[],
): string[] {
  const found = items.flatMap((item) => {
    const wrong = complaint(item);
    if (typeof wrong === "boolean") return wrong ? [item.name] : [];
    return wrong.map((detail) => `${item.name}: ${detail}`);
  });
  return [...new Set(found)].sort();
}

test("every exported name is documented in the file of its definition", () => {
  const defined = new Set(symbols.map(({ name }) => name));
  assertEquals(offenders(all, ({ name }) => !defined.has(name)), []);
  assert(defined.size > 50 && callables.length > 30, `${defined.size} symbols, ${callables.length} callables`);
});

test("every public symbol and every entry has a description", () => {
  assertEquals(offenders([...modules, ...symbols], ({ jsDoc }) => isBlank(jsDoc?.doc)), []);
});

test("every public symbol has an example, and every example asserts", () => {
  const wrong = offenders(symbols, ({ jsDoc }) => {
    const examples = examplesOf(jsDoc);
    return examples.length === 0 || !examples.every((code) => /^\s*(?:await )?assert\w*\(/m.test(code));
  });
  assertEquals(wrong, []);
});

test("every example has a title", () => {
  const isUntitled = (doc = "") => isBlank(doc.split("```")[0]);
  const wrong = offenders(
    [...modules, ...symbols],
    ({ jsDoc }) => tagsOf(jsDoc, "example").some(({ doc }) => isUntitled(doc)),
  );
  assertEquals(wrong, []);
});

test("every example imports from a public specifier, and nothing that users can't", () => {
  const specifiers = new Set(entries.map(({ specifier }) => specifier));
  const wrong = offenders([...modules, ...symbols, ...members], ({ jsDoc }) =>
    examplesOf(jsDoc).flatMap((code) => {
      const imports = [...code.matchAll(/^import\b[^;]*?"([^"]+)";$/gm)].map(([, from]) => from!);
      const foreign = imports.filter((from) =>
        !specifiers.has(from) && !/^(?:@std\/assert$|node:|redis$|@nats-io\/)/.test(from)
      );
      const own = imports.some((from) => specifiers.has(from));
      return own ? foreign : [...foreign, "no public specifier"];
    }));
  assertEquals(wrong, []);
});

test("every parameter and every result of a function or a method is documented", () => {
  const wrong = offenders(callables, ({ jsDoc, params, returnType }) => {
    const described = new Map(tagsOf(jsDoc, "param").map(({ name, doc }) => [name, doc]));
    const names = params.map((param) => param.name ?? param.left?.name ?? param.arg?.name);
    const missing = names.filter((name) => isBlank(described.get(name))).map((name) => `@param ${name}`);
    const unknown = [...described.keys()].filter((name) => !names.includes(name)).map((name) => `no param ${name}`);
    const isSilent = returnType === undefined || returnType.repr === "void";
    const result = isSilent || tagsOf(jsDoc, "return").some(({ doc }) => !isBlank(doc)) ? [] : ["@returns"];
    return [...missing, ...unknown, ...result];
  });
  assertEquals(wrong, []);
});

test("every @throws has a type and a reason", () => {
  const wrong = offenders(
    callables,
    ({ jsDoc }) => tagsOf(jsDoc, "throws").some(({ tsType, doc }) => tsType === undefined || isBlank(doc)),
  );
  assertEquals(wrong, []);
});

test("every member of a public class or interface has a description", () => {
  assertEquals(offenders(members, ({ jsDoc }) => isBlank(jsDoc?.doc)), []);
});
