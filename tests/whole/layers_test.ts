// The plan of src/: what each folder may import, what may be named where, and which test is whose.

import { assert, assertEquals } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as everything from "../../mod.ts";
import { test } from "../kit/harness.ts";

/** The folders from the ground up, and what each may import beside itself: only folders that stand before it. */
const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  errors: [],
  http: ["errors"],
  protocol: ["errors", "base"],
  transport: ["base"],
  handshake: ["http", "protocol", "errors", "base"],
  runtime: ["transport", "errors", "base"],
  connection: ["protocol", "transport", "errors", "base"],
  exchange: ["http", "transport", "errors", "base"],
  group: ["connection", "protocol", "errors", "base"],
  server: [
    "group",
    "exchange",
    "connection",
    "runtime",
    "handshake",
    "transport",
    "protocol",
    "http",
    "errors",
    "base",
  ],
  client: ["exchange", "connection", "runtime", "handshake", "transport", "protocol", "http", "errors", "base"],
  rooms: ["connection", "protocol", "errors", "base"],
  web: ["client", "connection", "handshake", "http", "protocol", "errors", "base"],
  testing: ["transport", "base"],
};

/** The files that users import beside mod.ts: they may import everything, and are imported by nothing. */
const ENTRIES = ["bun.ts", "node.ts", "protocol.ts", "rooms.ts", "stream.ts", "testing.ts", "websocket.ts"];

/** What may be imported from outside, and by whom. */
const PACKAGES: readonly (readonly [from: RegExp, by: RegExp])[] = [
  [/^pako$/, /^protocol\/zlib\.ts$/],
  [/^node:/, /^(?:node|runtime\/node_\w+)\.ts$/],
];

/** Where names of runtimes stand: where they are adapted, and where figures were measured. */
const RUNTIME = /\b(?:Deno|Bun|process|Buffer)\b|node:/,
  NAMES_RUNTIMES = /^(?:runtime\/\w+|base\/tuning|bun|node)\.ts$/;

/** What the pure folders never name or import: streams and timers, of the runtime or of ours. */
const IO =
    /(?:Readable|Writable|Transform|Compression|TextDecoder|TextEncoder)Stream|getReader|getWriter|\bset(?:Timeout|Interval|Immediate)\b|queueMicrotask|AbortSignal\.timeout|base\/(?:clock|timers)\.ts|transport\//,
  PURE = /^(?:http|handshake|protocol|errors)\//;

/** Files without a test file of their name, and what tests them. */
const TESTED_BY: Readonly<Record<string, string>> = {
  "base/concat.ts": "handshake/server_handshake_test.ts",
  "base/returns_argument.ts": "base/owned_bytes_test.ts",
  "base/tuning.ts": "base/byte_builder_test.ts",
  "client/connection_end.ts": "client/reconnect_end_test.ts",
  "client/reconnecting.ts": "client/reconnect_test.ts",
  "connection/begin_soon.ts": "connection/receiver_test.ts",
  "connection/driver.ts": "connection/connection_test.ts",
  "connection/lazy_promise.ts": "connection/closing_test.ts",
  "connection/connection_options.ts": "connection/connection_test.ts",
  "connection/connection_owner.ts": "group/connections_test.ts",
  "connection/message_sink.ts": "connection/message_pipe_test.ts",
  "connection/message_watch.ts": "connection/incoming_pieces_test.ts",
  "connection/pieces.ts": "connection/outgoing_test.ts",
  "connection/receive_arguments.ts": "connection/receiver_test.ts",
  "connection/sending.ts": "connection/outgoing_test.ts",
  "connection/websocket_connection.ts": "connection/connection_test.ts",
  "errors/failures.ts": "whole/failures_test.ts",
  "group/membership.ts": "group/connections_test.ts",
  "handshake/answer_options.ts": "handshake/answer_test.ts",
  "handshake/client_machine.ts": "handshake/client_handshake_test.ts",
  "handshake/decide.ts": "handshake/answer_test.ts",
  "handshake/server_machine.ts": "handshake/server_handshake_test.ts",
  "handshake/upgrade_fields.ts": "handshake/answer_test.ts",
  "protocol.ts": "handshake/server_handshake_test.ts",
  "protocol/agreement.ts": "protocol/protocol_test.ts",
  "protocol/chunk_reader.ts": "protocol/message_reader_test.ts",
  "protocol/encode_text.ts": "protocol/machine_work_test.ts",
  "protocol/contract.ts": "protocol/protocol_test.ts",
  "protocol/frame_reader.ts": "protocol/message_reader_test.ts",
  "protocol/machine_contract.ts": "protocol/machine_test.ts",
  "protocol/reader_events.ts": "protocol/message_reader_test.ts",
  "protocol/send_options.ts": "protocol/protocol_test.ts",
  "protocol/slabs.ts": "protocol/outbox_test.ts",
  "runtime/bun_serving.ts": "runtime/listener_test.ts",
  "runtime/deno_listener.ts": "runtime/listener_test.ts",
  "runtime/deno_transport.ts": "runtime/choose_test.ts",
  "runtime/no_deno_transport.ts": "workers/doors_test.ts",
  "runtime/http2_client.ts": "client/connect_stream_test.ts",
  "runtime/node_http2_client.ts": "client/connect_stream_test.ts",
  "runtime/request_stream.ts": "server/accept_stream_test.ts",
  "runtime/node_http2_sessions.ts": "server/serve_stream_test.ts",
  "server/served.ts": "server/serve_connection_test.ts",
  "transport/read_to_end.ts": "client/connect_stream_test.ts",
  "runtime/node_listener.ts": "runtime/listener_test.ts",
  "runtime/bun_dialler.ts": "client/dial_test.ts",
  "runtime/bun_socket.ts": "bun_test.ts",
  "runtime/bun_api.ts": "bun_test.ts",
  "runtime/deno_dialler.ts": "client/dial_test.ts",
  "runtime/dialler.ts": "client/dial_test.ts",
  "runtime/node_ca.ts": "client/dial_test.ts",
  "runtime/node_dialler.ts": "client/dial_test.ts",
  "runtime/sockets.ts": "client/dial_test.ts",
  "server/handshaking.ts": "server/accept_test.ts",
  "server/serving.ts": "whole/shutdown_test.ts",
  "rooms.ts": "rooms/rooms_test.ts",
  "rooms/follower.ts": "rooms/rooms_test.ts",
  "rooms/nats_client.ts": "rooms/nats_relay_test.ts",
  "rooms/nats_stream.ts": "rooms/nats_relay_test.ts",
  "rooms/redis_client.ts": "rooms/redis_relay_test.ts",
  "rooms/redis_script.ts": "rooms/redis_relay_test.ts",
  "rooms/retry.ts": "rooms/room_test.ts",
  "rooms/sinks.ts": "rooms/rooms_test.ts",
  "stream.ts": "web/websocket_stream_test.ts",
  "testing.ts": "testing/connection_pair_test.ts",
  "testing/memory_connection.ts": "testing/connection_pair_test.ts",
  "testing/memory_transport.ts": "transport/owned_transport_test.ts",
  "transport/transport.ts": "transport/owned_transport_test.ts",
  "web/event_class.ts": "web/events_test.ts",
  "websocket.ts": "web/websocket_test.ts",
};

/** Tests of one aspect of a file, beside the file's own. */
const ASPECTS = [
  "rooms/rooms_close_test.ts", // of rooms
  "client/reconnect_end_test.ts", // of reconnect
  "client/reconnect_many_test.ts",
  "client/reconnect_messages_test.ts",
  "client/reconnect_waiting_test.ts",
  "connection/message_pipe_test.ts", // of message_streams
  "protocol/machine_work_test.ts", // of machine
  "server/accept_authorize_test.ts", // of accept
  "server/accept_refusal_test.ts",
  "testing/connection_pair_test.ts", // of the entry
  "testing/fake_clock_test.ts",
  "web/websocket_close_test.ts", // of websocket
  "web/websocket_create_test.ts",
  "web/websocket_listeners_test.ts",
  "web/websocket_send_test.ts",
];

const MAX_LINES = 330;

const root = join(import.meta.dirname!, "../.."), src = join(root, "src");
const listed = (folder: string) =>
  (readdirSync(join(root, folder), { recursive: true }) as string[]).map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".ts")).sort();
const files = listed("src");
const read = (file: string) => readFileSync(join(src, file), "utf8");

/** A file's folder, or `""` for an entry. */
const folderOf = (file: string) => file.includes("/") ? file.slice(0, file.indexOf("/")) : "";

/** A file without its comments, which stand on lines of their own or behind code. */
function code(file: string): string {
  return read(file).replace(/\/\*\*?[^]*?\*\//g, "").replace(/(^|\s)\/\/ .*$/gm, "$1");
}

/** What a file imports or exports from, as it is written; types included. */
function importsOf(text: string): string[] {
  const found = [
    ...text.matchAll(/^\s*(?:import|export)\b[^;]*?\bfrom\s+"([^"]+)"/gm),
    ...text.matchAll(/^\s*import\s+"([^"]+)"/gm),
    ...text.matchAll(/\bimport\(\s*["`]([^"`]+)["`]/g),
  ];
  return found.map(([, from]) => from!);
}

/** The file of src that an import leads to; `undefined` for a package. */
function targetOf(file: string, from: string): string | undefined {
  return from.startsWith(".") ? join(file, "..", from).replaceAll("\\", "/") : undefined;
}

/** What is wrong about an import, if anything is. */
function complaint(file: string, from: string): string | undefined {
  const target = targetOf(file, from);
  if (target === undefined) {
    return PACKAGES.some(([name, by]) => name.test(from) && by.test(file)) ? undefined : "not a package for this file";
  }
  if (!files.includes(target)) return "there is no such file";
  const [here, there] = [folderOf(file), folderOf(target)];
  if (there === "") return "an entry is imported by nothing";
  return here === "" || here === there || FOLDERS[here]!.includes(there)
    ? undefined
    : `${here} may not import ${there}`;
}

/** The files that can be reached from themselves. */
function circular(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const reachable = (file: string, seen = new Set<string>()): Set<string> => {
    for (const next of imports.get(file) ?? []) if (!seen.has(next)) reachable(next, seen.add(next));
    return seen;
  };
  return [...imports.keys()].filter((file) => reachable(file).has(file));
}

/** Lines of code that match, with their file. */
function linesWith(pattern: RegExp, among: readonly string[]): string[] {
  return among.flatMap((file) =>
    code(file).split("\n").filter((line) => pattern.test(line)).map((line) => `${file}: ${line.trim()}`)
  );
}

test("importsOf() sees every form of import", () => {
  const forms = ['import a from "1";', 'import {\n  b,\n  type C,\n} from "2";', 'import "3";', 'export * from "4";'];
  forms.push('export type { D } from "5";', 'const e = await import("6");', 'import type { F } from "7";');
  forms.push('  import { g } from "8";', "const h = await import(`9`);");
  assertEquals(importsOf(forms.join("\n")).sort(), ["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  assertEquals(importsOf('const a = 1;\nexport const b = "x";\n'), []);
});

test("complaint() and circular() see what is wrong", () => {
  assertEquals(complaint("http/response.ts", "../errors/problem.ts"), undefined);
  assertEquals(complaint("errors/problem.ts", "../http/response.ts"), "errors may not import http");
  assertEquals(complaint("server/accept.ts", "../node.ts"), "an entry is imported by nothing");
  assertEquals(complaint("protocol/mask.ts", "pako"), "not a package for this file");
  assertEquals(complaint("protocol/mask.ts", "./gone.ts"), "there is no such file");
  const circle: [string, string[]][] = [["a", ["b"]], ["b", ["c"]], ["c", ["a"]], ["d", ["a"]]];
  assertEquals(circular(new Map(circle)), ["a", "b", "c"]);
});

test("every folder is in the plan, and imports only what stands before it", () => {
  assertEquals([...new Set(files.map(folderOf))].sort(), ["", ...Object.keys(FOLDERS)].sort());
  assertEquals(files.filter((file) => folderOf(file) === ""), ENTRIES);
  const order = Object.keys(FOLDERS);
  for (const [folder, allowed] of Object.entries(FOLDERS)) {
    const later = allowed.filter((name) => order.indexOf(name) >= order.indexOf(folder));
    assertEquals(later, [], `${folder} imports what stands after it`);
  }
});

test("every file imports only what its folder may", () => {
  let count = 0;
  const wrong = files.flatMap((file) =>
    importsOf(code(file)).flatMap((from) => {
      count++;
      const why = complaint(file, from);
      return why ? [`${file} imports ${from}: ${why}`] : [];
    })
  );
  assertEquals(wrong, []);
  assert(count > 100, `${count} imports`);
});

test("no file needs itself, by whatever way, types included", () => {
  const imports = new Map(files.map((file): [string, string[]] => {
    return [file, importsOf(code(file)).flatMap((from) => targetOf(file, from) ?? [])];
  }));
  assertEquals(circular(imports), []);
});

test("only runtime/, tuning and the entries name a runtime", () => {
  assertEquals(linesWith(RUNTIME, files.filter((file) => !NAMES_RUNTIMES.test(file))), []);
  assert(linesWith(RUNTIME, ["runtime/sockets.ts"]).length > 0, "the rule sees what it forbids");
});

test("http, handshake, protocol and errors name no stream and no timer", () => {
  assertEquals(linesWith(IO, files.filter((file) => PURE.test(file))), []);
  assert(linesWith(IO, ["base/clock.ts", "transport/transport.ts"]).length > 1, "the rule sees what it forbids");
  for (const line of ["new ReadableStreamDefaultReader(s)", 'from "../base/clock.ts"', "new CompressionStream()"]) {
    assert(IO.test(line), line);
  }
});

test("every file is tested by the file of its name, or by another that is listed", () => {
  const tests = listed("tests"), own = (file: string) => file.replace(/\.ts$/, "_test.ts");
  const untested = files.filter((file) => !tests.includes(own(file)));
  assertEquals(untested, Object.keys(TESTED_BY).sort());
  for (const by of Object.values(TESTED_BY)) assert(tests.includes(by), by);
  // And every test of a folder is named after a file, or after what is told of it in this list
  const strays = tests.filter((path) => path.endsWith("_test.ts") && FOLDERS[folderOf(path)]).filter((path) => {
    return !files.includes(path.replace(/_test\.ts$/, ".ts")) && !ASPECTS.includes(path);
  });
  assertEquals(strays, []);
});

test("no file is longer than a sitting", () => {
  const long = files.filter((file) => read(file).split("\n").length > MAX_LINES);
  assertEquals(long, []);
});

const VALUES = [
  "Connections",
  "HandshakeError",
  "RateLimit",
  "WebSocketError",
  "accept",
  "answer",
  "attach",
  "basicAuth",
]
  .concat(
    "confirm",
    "connect",
    "extendedConnect",
    "isUpgrade",
    "offer",
    "prepare",
    "readRequest",
    "reconnect",
    "serve",
    "writeResponse",
  );

const TYPES = [
  "ExtendedConnect",
  "AcceptOptions",
  "Accepted",
  "Agreement",
  "Answer",
  "AnswerOptions",
  "AttachOptions",
  "AuthorizeContext",
  "BasicAuthOptions",
  "BroadcastOptions",
  "BroadcastReport",
  "BufferSource",
  "ByteConnection",
  "Clock",
  "CloseAllOptions",
  "CloseAllReport",
  "CloseInfo",
  "CompressionOptions",
  "ConnectOptions",
  "Connected",
  "ConnectionOptions",
  "ConnectionState",
  "ConnectionsOptions",
  "Decorator",
  "DeflateAgreement",
  "DeflateOffer",
  "DialOptions",
  "HandshakeErrorInit",
  "HandshakeFailure",
  "HeadersInit",
  "HttpContext",
  "LimitContext",
  "LimitOptions",
  "Message",
  "MessageHandler",
  "MessagePieces",
  "NetworkAddress",
  "Offer",
  "OfferOptions",
  "Origins",
  "Pieces",
  "PrepareOptions",
  "PreparedMessage",
  "ProtocolFailure",
  "RateLimitOptions",
  "ReadRequest",
  "ReadRequestOptions",
  "ReceiveOptions",
  "ReceivedOrPieces",
  "ReconnectAttempt",
  "ReconnectOptions",
  "ReconnectRetry",
  "Reconnecting",
  "RequestDraft",
  "RequestHead",
  "ResponseDraft",
  "ResponseHead",
  "SendOptions",
  "ServeErrorContext",
  "ServeHandlers",
  "ServeOptions",
  "Server",
  "ServerConnections",
  "ShutdownOptions",
  "SlowMembers",
  "StreamingOptions",
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
