// The import rule: imports only point up the list of layers, and everything above the transport knows no runtime.

import { assert, assertEquals } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as everything from "../../mod.ts";
import { test } from "../kit/harness.ts";

/** The layers from the top down, and the files of each. */
const LAYERS: readonly (readonly [layer: string, files: readonly string[]])[] = [
  ["words", ["tuning.ts", "failures.ts", "errors.ts"]],
  ["grammar", ["fields.ts", "mask.ts", "utf8.ts", "close.ts"]],
  ["codec", ["head.ts", "request_head.ts", "response_head.ts", "frame.ts"]],
  ["decision", ["deflate_options.ts", "deflate_offer.ts", "handshake.ts", "origin.ts", "offer.ts", "answer.ts"]],
  ["machine", [
    "buffers.ts",
    "deflate.ts",
    "gather.ts",
    "outbox.ts",
    "frame_writer.ts",
    "message_reader.ts",
    "messages.ts",
    "protocol.ts",
  ]],
  ["transport", [
    "clock.ts",
    "deadline.ts",
    "late_promise.ts",
    "transport.ts",
    "pull_transport.ts",
    "stream_source.ts",
    "push_transport.ts",
    "transport_streams.ts",
    "transport_connection.ts",
    "deno.ts",
    "bun_socket.ts",
    "node_socket.ts",
    "linger.ts",
  ]],
  ["face", ["web_socket.ts", "message_streams.ts", "idle.ts", "output.ts", "pings.ts", "link.ts", "connection.ts"]],
  ["wire", ["wire.ts", "body.ts", "opening.ts"]],
  ["dialling", [
    "redirect.ts",
    "dialler.ts",
    "proxy.ts",
    "dial_options.ts",
    "node_tls.ts",
    "deno_dial.ts",
    "bun_dial.ts",
    "node_dial.ts",
    "dial.ts",
  ]],
  ["doors", [
    "read_request.ts",
    "write_response.ts",
    "basic_auth.ts",
    "attach.ts",
    "accept.ts",
    "connect.ts",
  ]],
  ["entries", ["bun.ts", "node.ts"]],
  ["tools", ["pipe.ts", "testing.ts"]],
];

/** What may be imported from elsewhere: by all, and by the files of a runtime. */
function isElsewhere(file: string, from: string): boolean {
  if (from.startsWith("@std/encoding/")) return true;
  if (from === "pako") return file === "deflate.ts";
  return file === "bun.ts" ? from === "bun" : /^node(?:_\w+)?\.ts$/.test(file) && from.startsWith("node:");
}

/** What no layer above the transport names: streams, runtimes, timers. */
const FORBIDDEN =
  /\b(?:ReadableStream|WritableStream|Deno|Bun|setTimeout|setInterval|setImmediate|queueMicrotask)\b|node:/;

const MAX_LINES = 330;

const src = join(import.meta.dirname!, "../../src");
const files = readdirSync(src).filter((name) => name.endsWith(".ts")).sort();
const depths = new Map(LAYERS.flatMap(([, files], depth) => files.map((file) => [file, depth] as const)));
const read = (file: string) => readFileSync(join(src, file), "utf8");

/** A file without its comments, which stand on lines of their own or behind code. */
function code(file: string): string {
  return read(file).replace(/\/\*\*?[^]*?\*\//g, "").replace(/(^|\s)\/\/ .*$/gm, "$1");
}

/** What a file imports or exports from, as it is written. */
function importsOf(text: string): string[] {
  const found = [
    ...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom\s+"([^"]+)"/gm),
    ...text.matchAll(/^import\s+"([^"]+)"/gm),
    ...text.matchAll(/\bimport\(\s*"([^"]+)"/g),
  ];
  return found.map(([, from]) => from!);
}

test("importsOf() sees every form of import", () => {
  const forms = ['import a from "1";', 'import {\n  b,\n  type C,\n} from "2";', 'import "3";', 'export * from "4";'];
  forms.push('export type { D } from "5";', 'const e = await import("6");', 'import type { F } from "7";');
  assertEquals(importsOf(forms.join("\n")).sort(), ["1", "2", "3", "4", "5", "6", "7"]);
  assertEquals(importsOf('const a = 1;\nexport const b = "x";\n'), []);
});

test("every file of src has its layer", () => {
  assertEquals([...depths.keys()].sort(), files);
});

test("imports only point up the list of layers", () => {
  const wrong: string[] = [];
  let count = 0;
  for (const file of files) {
    for (const from of importsOf(code(file))) {
      count++;
      if (from.startsWith("./")) {
        const depth = depths.get(from.slice(2));
        if (depth === undefined || depth > depths.get(file)!) wrong.push(`${file} imports ${from}`);
      } else if (!isElsewhere(file, from)) wrong.push(`${file} imports ${from}`);
    }
  }
  assertEquals(wrong, []);
  assert(count > 100, `${count} imports`);
});

test("no file needs itself, by whatever way; types aside, which are gone at run time", () => {
  const values = (file: string) => code(file).replace(/^(?:import|export) type\b[^;]*;/gm, "");
  const imports = new Map(files.map((file) => [file, importsOf(values(file)).map((from) => from.replace("./", ""))]));
  const reachable = (file: string, seen = new Set<string>()): Set<string> => {
    for (const from of imports.get(file) ?? []) if (!seen.has(from)) reachable(from, seen.add(from));
    return seen;
  };
  assertEquals(files.filter((file) => reachable(file).has(file)), []);
});

test("nothing above the transport names a stream, a runtime or a timer, but for figures that were measured", () => {
  const transport = LAYERS.findIndex(([layer]) => layer === "transport");
  const wrong: string[] = [];
  for (const file of files.filter((file) => depths.get(file)! < transport && file !== "tuning.ts")) {
    for (const line of code(file).split("\n")) if (FORBIDDEN.test(line)) wrong.push(`${file}: ${line.trim()}`);
  }
  assertEquals(wrong, []);
  assert(FORBIDDEN.test(code("clock.ts")) && FORBIDDEN.test(code("transport.ts")), "the rule sees what it forbids");
});

test("no file is longer than a sitting", () => {
  const long = files.filter((file) => read(file).split("\n").length > MAX_LINES);
  assertEquals(long, []);
});

const VALUES = ["HandshakeError", "WebSocketError", "accept", "answer", "attach", "basicAuth", "confirm", "connect"]
  .concat("isUpgrade", "offer", "readRequest", "writeResponse");

const TYPES = [
  "AcceptOptions",
  "Accepted",
  "Agreement",
  "Answer",
  "AnswerOptions",
  "AttachOptions",
  "AuthorizeContext",
  "BasicAuthOptions",
  "ByteConnection",
  "Clock",
  "CloseInfo",
  "CompressionOptions",
  "ConnectOptions",
  "Connected",
  "ConnectionOptions",
  "Decorator",
  "DeflateAgreement",
  "DeflateOffer",
  "DialOptions",
  "HandshakeErrorInit",
  "HandshakeFailure",
  "Message",
  "MessageHandler",
  "Offer",
  "OfferOptions",
  "Origins",
  "ProtocolFailure",
  "ReadRequest",
  "ReadRequestOptions",
  "RequestDraft",
  "RequestHead",
  "ResponseDraft",
  "ResponseHead",
  "SendOptions",
  "WebSocketConnection",
  "WebSocketErrorInit",
  "WriteResponseOptions",
];

test("mod.ts exports the public names, and no other", () => {
  assertEquals(Object.keys(everything).sort(), VALUES);
  const text = code("../mod.ts");
  assert(!/export\s+(?!(?:type\s+)?\{)/.test(text), "only lists of names are exported");
  const names = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list]) =>
    list!.split(",").map((name) => name.trim().replace(/^type /, "")).filter((name) => name !== "")
  );
  assertEquals(names.sort(), [...VALUES, ...TYPES].sort());
});
