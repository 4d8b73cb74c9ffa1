// Floods of frames that cost a client next to nothing (RFC 9113 §10.5), written by hand: what a server of ours, or the
// runtime's HTTP/2 layer below it, ends, and that others are served meanwhile.

import { assert, assertEquals } from "@std/assert";
import { connectFields, type H2Fields } from "../cases/connects.ts";
import { concat, test } from "../kit/harness.ts";
import { END_HEADERS, fieldSection, FRAME, frame, type Http2Frame, RawHttp2, uint32 } from "../kit/raw_http2.ts";
import { serving } from "../kit/serving.ts";

const CONNECT = fieldSection(connectFields());
const GET: H2Fields = [[":method", "GET"], [":scheme", "http"], [":authority", "localhost"], [":path", "/"]];

/** A request, and what comes behind it. */
const asked = (i: number, id: number, more: () => Uint8Array) =>
  i === 0 ? frame(FRAME.HEADERS, END_HEADERS, id, CONNECT) : more();
const begun = (i: number, more: () => Uint8Array) => i === 0 ? frame(FRAME.HEADERS, 0, 1, fieldSection(GET)) : more();
const open = (i: number) => frame(FRAME.HEADERS, END_HEADERS, 2 * i + 1, CONNECT);

/** Floods: how many there are at most, and each of them by its number. All of them end the session. */
const FLOODS: readonly (readonly [name: string, most: number, make: (i: number) => Uint8Array])[] = [
  ["SETTINGS", 50_000, () => frame(FRAME.SETTINGS, 0, 0)],
  ["PINGs", 50_000, () => frame(FRAME.PING, 0, 0, new Uint8Array(8))],
  ["streams that it resets", 5000, (i) => concat(open(i), frame(FRAME.RST_STREAM, 0, 2 * i + 1, uint32(8)))],
  // An increment of 0 is an error of the stream, which the server has to reset (§6.9)
  ["streams that it has reset", 5000, (i) => concat(open(i), frame(FRAME.WINDOW_UPDATE, 0, 2 * i + 1, uint32(0)))],
  ["CONTINUATIONs that are empty", 50_000, (i) => begun(i, () => frame(FRAME.CONTINUATION, 0, 1))],
  ["CONTINUATIONs with fields", 1000, (i) => {
    return begun(i, () => frame(FRAME.CONTINUATION, 0, 1, fieldSection([[`x${i}`, "a".repeat(4000)]])));
  }],
  ["DATA without anything in it", 50_000, (i) => asked(i, 1, () => frame(FRAME.DATA, 0, 1))],
];

/** Writes all of them, or as many as it is let to; gives what came meanwhile and up to the end. */
async function flood(client: RawHttp2, most: number, make: (i: number) => Uint8Array): Promise<Http2Frame[]> {
  const frames: Http2Frame[] = [];
  let isOver = false;
  const reading = client.until((read) => {
    if (read) frames.push(read);
    return false;
  }).then(() => void (isOver = true));
  for (let i = 0; i < most && !isOver;) {
    const batch = Array.from({ length: Math.min(100, most - i) }, () => make(i++));
    await client.write(...batch).catch(() => isOver = true); // it has gone
  }
  await reading;
  return frames;
}

/** What Bun's HTTP/2 layer reads on, and keeps nothing of: there the limit for a session without a stream ends it. */
const READ_ON_BUN = "CONTINUATIONs that are empty";

for (const [name, most, make] of FLOODS) {
  const options = "Bun" in globalThis && name === READ_ON_BUN ? { handshakeTimeout: 500 } : {};
  test(`serve() over HTTP/2 ends a session that floods it with ${name} (RFC 9113 §10.5)`, async () => {
    let handled = 0;
    const server = await serving((socket) => {
      handled++;
      return socket.receive().catch(() => {});
    }, { http2: true, ...options });
    using client = await RawHttp2.open(server.port);
    const frames = await flood(client, most, make);
    assert(handled < 3000, `${handled} were handled`);
    assert(frames.length < 3000, `${frames.length} frames came back`);
    using next = await RawHttp2.open(server.port);
    await next.settled(); // others are served
    await server.shutdown({ within: 1000 });
  });
}

test("serve() over HTTP/2 has 256 streams of a client open at most, and refuses more (RFC 9113 §5.1.2)", async () => {
  let handled = 0;
  const server = await serving((socket) => {
    handled++;
    return socket.receive().catch(() => {});
  }, { http2: true });
  using client = await RawHttp2.open(server.port);
  await client.settled(); // it has seen how many may be open
  await client.write(...Array.from({ length: 300 }, (_, i) => open(i)));
  const frames = [...await client.settled(), ...await client.settled()];
  const resets = frames.filter(({ type }) => type === FRAME.RST_STREAM);
  assertEquals(resets.map(({ payload }) => payload[3]), Array.from({ length: 44 }, () => 7)); // REFUSED_STREAM
  assertEquals([handled, server.connections.size], [256, 256]);
  await server.shutdown({ within: 1 });
});
