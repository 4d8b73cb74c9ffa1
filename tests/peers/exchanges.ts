// What is said to every peer: messages both ways through both faces, pings, closes, subprotocols, fields, refusals. Rows
// are data; a peer says how it opens a WebSocket and what it is able to do.

import { createHash } from "node:crypto";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type CloseInfo, HandshakeError, type WebSocketConnection, WebSocketError } from "../../mod.ts";
import { concat, random, test } from "../kit/harness.ts";
import {
  acceptFrom,
  connectTo,
  type Dial,
  dialled,
  type Link,
  meet,
  type Opening,
  type PeerSocket,
  type Received,
  type Refusal,
  type Serve,
} from "./links.ts";

/** What a peer is able to do. */
export interface Abilities<Socket extends PeerSocket> {
  /** Whether its answer to a Close frame has the reason as well. */
  readonly echoesReason: boolean;
  /** Whether its WebSocket says which subprotocol is in use. */
  readonly showsProtocol: boolean;
  /** Sends one message in several frames. */
  sendPieces?(socket: Socket, pieces: Pieces): void;
  /** Resolves to the payload of the pong. */
  ping?(socket: Socket, payload: Uint8Array): Promise<Uint8Array>;
}

/** A peer as a client, for accept(). */
export interface Client<Socket extends PeerSocket> extends Abilities<Socket> {
  /** As titles name it: `the client of ws`. */
  readonly name: string;
  readonly dial: Dial<Socket>;
  /** Whether it gives up when it gets none of the subprotocols that it offers (WHATWG WebSockets). */
  readonly insistsOnProtocol: boolean;
}

/** A peer as a server, for connect(). */
export interface Server<Socket extends PeerSocket> extends Abilities<Socket> {
  /** As titles name it: `the server of ws`. */
  readonly name: string;
  readonly serve: Serve<Socket>;
}

/** The frames of a message: all strings, or all bytes. */
export type Pieces = readonly [Received, ...Received[]];

const noise = (length: number, seed = length) => {
  const next = random(seed);
  return Uint8Array.from({ length }, next);
};

/** Rows: what is sent in one go, and is to arrive as it is, in this order. */
const exchanges: readonly { readonly name: string; readonly messages: readonly Pieces[] }[] = [
  { name: "ASCII text", messages: [["Hello, world"]] },
  { name: "text of two and three octets a character", messages: [["Grüße, Καλημέρα, 你好"]] },
  { name: "emoji", messages: [["👋🏽 👩‍👩‍👧‍👦 🏳️‍🌈"]] },
  { name: "binary with every octet", messages: [[Uint8Array.from({ length: 256 }, (_, i) => i)]] },
  { name: "empty text", messages: [[""]] },
  { name: "empty binary", messages: [[new Uint8Array()]] },
  { name: "lengths around those of headers", messages: [125, 126, 127, 65535, 65536].map((size) => [noise(size)]) },
  {
    name: "text that needs a longer header for its octets than it would for its characters",
    messages: [["ü".repeat(63)], ["ü".repeat(32768)]],
  },
  { name: "1 MiB of text", messages: [["Grüße 👋 ".repeat(2 ** 20 / 13 + 1)]] },
  { name: "1 MiB of binary", messages: [[noise(2 ** 20)]] },
  { name: "text in four frames, one of them empty", messages: [["Hel", "", "lo ", "👋"]] },
  { name: "binary in three frames", messages: [[noise(10), noise(70_000), noise(1)]] },
  {
    name: "100 messages in a burst",
    messages: Array.from({ length: 100 }, (_, i) => [i % 2 === 0 ? `message ${i}` : noise(i)] as const),
  },
];

/** The message that the pieces make. */
function whole(pieces: Pieces): Received {
  return typeof pieces[0] === "string" ? pieces.join("") : concat(...pieces as readonly Uint8Array[]);
}

/** Compares by digest what is long: the difference of two arrays of a million elements says nothing. */
function assertMessages(received: readonly Received[], sent: readonly Pieces[]): void {
  assertEquals(received.map(digest), sent.map((pieces) => digest(whole(pieces))));
}

function digest(message: Received): Received {
  if (message.length <= 1024) return message;
  const kind = typeof message === "string" ? "characters" : "octets";
  return `${message.length} ${kind}, SHA-1 ${createHash("sha1").update(message).digest("hex")}`;
}

/** The two faces of our connection. */
interface Face {
  /** Whether it can send a message in several frames. */
  readonly fragments: boolean;
  send(ours: WebSocketConnection, messages: readonly Pieces[]): Promise<void>;
  /** Reads, and closes after `count` messages. */
  receive(ours: WebSocketConnection, count: number): Promise<Received[]>;
  close(ours: WebSocketConnection, info: { closeCode?: number; reason?: string }): Promise<CloseInfo>;
}

const faces: Readonly<Record<string, Face>> = {
  "the streams": {
    fragments: false,
    async send(ours, messages) {
      const writer = ours.writable.getWriter();
      for (const [message] of messages) {
        await writer.ready;
        // What becomes of a write shows at the other end
        writer.write(message as string | Uint8Array<ArrayBuffer>).catch(() => {});
      }
      writer.releaseLock();
    },
    async receive(ours, count) {
      const received: Received[] = [];
      for await (const message of ours.readable) {
        received.push(message);
        if (received.length === count) break;
      }
      return received;
    },
    async close(ours, { closeCode, reason }) {
      // The streams have no word for a code: it goes with a reason to abort
      if (closeCode === undefined) await ours.writable.close();
      else await ours.writable.abort(new WebSocketError("", { closeCode, reason }));
      return await ours.closed;
    },
  },
  "the direct face": {
    fragments: true,
    async send(ours, messages) {
      for (const pieces of messages) {
        for (const [i, piece] of pieces.entries()) {
          await ours.send(piece as string | Uint8Array<ArrayBuffer>, { fin: i === pieces.length - 1 });
        }
      }
    },
    async receive(ours, count) {
      const received: Received[] = [];
      await ours.receive((message) => {
        received.push(typeof message === "string" ? message : message.slice());
        if (received.length === count) ours.close({ closeCode: 1000 });
      });
      return received;
    },
    close: (ours, info) => ours.close(info),
  },
};

/** Rows: what a Close frame is made with, and what the other end sees. */
const closes: readonly { readonly name: string; readonly sent: [number?, string?]; readonly seen: CloseInfo }[] = [
  { name: "code and reason", sent: [3001, "Tschüß 👋"], seen: { closeCode: 3001, reason: "Tschüß 👋" } },
  { name: "a code alone", sent: [1000], seen: { closeCode: 1000, reason: "" } },
  { name: "nothing", sent: [], seen: { closeCode: 1005, reason: "" } },
];

/** Rows: subprotocols, and the one that both ends then have. */
const protocolRows: readonly { readonly name: string; readonly opening: Opening; readonly agreed: string }[] = [
  {
    name: "both have the server's preference of two subprotocols",
    opening: { offered: ["v1", "v2"], spoken: ["v3", "v2", "v1"] },
    agreed: "v2",
  },
  { name: "both have the only subprotocol", opening: { offered: ["v1"], spoken: ["v1"] }, agreed: "v1" },
  { name: "neither has a subprotocol that was not offered", opening: { spoken: ["v1"] }, agreed: "" },
];

const refusal: Refusal = { status: 401, fields: { "www-authenticate": 'Basic realm="here"' }, body: "Who are you?\n" };

/** What holds for every peer, in either role. */
function testBoth<Socket extends PeerSocket>(
  name: string,
  peer: Abilities<Socket>,
  open: (opening?: Opening) => Promise<Link<Socket>>,
): void {
  const both = async ({ ours, theirs }: Link<Socket>) => [await ours.closed, await theirs.closed] as const;

  for (const { name: what, messages } of exchanges) {
    const fragmented = messages.some((pieces) => pieces.length > 1);
    for (const [face, { fragments, send, receive }] of Object.entries(faces)) {
      if (!fragmented || fragments) {
        test(`${name}: ${what}, from us, by ${face}`, async () => {
          await using link = await open();
          await send(link.ours, messages);
          assertMessages(await link.theirs.take(messages.length), messages);
          await link.ours.close();
          await both(link);
        });
      }
      if (!fragmented || peer.sendPieces) {
        test(`${name}: ${what}, from them, by ${face}`, async () => {
          await using link = await open();
          const { socket } = link.theirs;
          for (const pieces of messages) {
            if (pieces.length > 1) peer.sendPieces!(socket, pieces);
            else socket.send(pieces[0]);
          }
          assertMessages(await receive(link.ours, messages.length), messages);
          await both(link);
        });
      }
    }
  }

  for (const [face, { close }] of Object.entries(faces)) {
    for (const { name: what, sent, seen } of closes) {
      const echoed = peer.echoesReason ? seen : { ...seen, reason: "" };
      test(`${name}: ${what} in our Close frame, by ${face}`, async () => {
        await using link = await open();
        const [closeCode, reason] = sent;
        const info = { ...closeCode !== undefined && { closeCode }, ...reason !== undefined && { reason } };
        assertEquals(await close(link.ours, info), echoed);
        assertEquals(await both(link), [echoed, seen]);
      });
      test(`${name}: ${what} in their Close frame, by ${face}`, async () => {
        await using link = await open();
        link.theirs.socket.close(...sent);
        if (face === "the streams") assert((await link.ours.readable.getReader().read()).done);
        else assertEquals(await link.ours.receive(() => {}), seen);
        // Our answer has the code without the reason
        assertEquals(await both(link), [seen, { ...seen, reason: "" }]);
      });
    }
  }

  test(`${name}: our ping is answered`, async () => {
    await using link = await open();
    const received = link.ours.receive(() => {});
    const latencies = await Promise.all([link.ours.ping(), link.ours.ping(new TextEncoder().encode("ping"))]);
    assert(latencies.every((latency) => latency >= 0 && Number.isFinite(latency)), `${latencies}`);
    await link.ours.close();
    await received;
    await both(link);
  });

  if (peer.ping) {
    test(`${name}: their ping is answered`, async () => {
      await using link = await open();
      const received = link.ours.receive(() => {});
      const payload = noise(125);
      assertEquals(await peer.ping!(link.theirs.socket, payload), payload);
      await link.ours.close();
      await received;
      await both(link);
    });
  }

  for (const { name: what, opening, agreed } of protocolRows) {
    test(`${name}: ${what}`, async () => {
      await using link = await open(opening);
      assertEquals(link.ours.protocol, agreed);
      if (peer.showsProtocol) assertEquals(link.theirs.socket.protocol, agreed);
      await link.ours.close();
      await both(link);
    });
  }

  test(`${name}: fields that were added to the handshake are seen by the other end`, async () => {
    const clientFields = { "X-Client": "from the client" }, serverFields = { "X-Server": "from the server" };
    await using link = await open({ clientFields, serverFields });
    assertEquals(link.request.get("x-client"), "from the client");
    if (link.response) assertEquals(link.response.get("x-server"), "from the server");
    await link.ours.close();
    await both(link);
  });
}

/** Registers what is to hold between accept() and a peer's client. */
export function testClient<Socket extends PeerSocket>(client: Client<Socket>): void {
  const name = `accept() and ${client.name}`;
  testBoth(name, client, (opening) => acceptFrom(client.dial, opening));

  test(`${name}: a refusal of ours fails their WebSocket`, async () => {
    const { status, fields: headers, body } = refusal;
    const { client: { close }, theirs, accepting } = await meet(client.dial, {}, {
      authorize: () => new Response(body, { status, headers }),
    });
    assertEquals((await assertRejects(() => accepting, HandshakeError)).failure, "unauthorized");
    await assertRejects(() => theirs.opened);
    await theirs.closed;
    await close?.();
  });

  test(`${name}: without a subprotocol in common we accept`, async () => {
    const { client: { close }, theirs, accepting } = await meet(client.dial, { offered: ["v1"] }, {
      protocols: ["v2"],
    });
    const ours = await accepting;
    assertEquals(ours.protocol, "");
    if (client.insistsOnProtocol) await assertRejects(() => theirs.opened);
    else await theirs.opened;
    ours.abort();
    await theirs.closed;
    await close?.();
  });
}

/** Registers what is to hold between connect() and a peer's server. */
export function testServer<Socket extends PeerSocket>({ serve, ...peer }: Server<Socket>): void {
  const name = `connect() and ${peer.name}`;
  testBoth(name, peer, (opening) => connectTo(serve, opening));

  test(`${name}: a refusal of theirs is seen whole`, async () => {
    const server = await serve({ spoken: [], serverFields: {} }, refusal);
    const { failure, response, truncated } = await assertRejects(() => dialled(server.port), HandshakeError);
    assertEquals([failure, response?.status, truncated], ["status-not-101", refusal.status, false]);
    assertEquals(response?.headers.get("www-authenticate"), refusal.fields["www-authenticate"]);
    assertEquals(await response?.text(), refusal.body);
    await server.close();
  });

  test(`${name}: without a subprotocol in common we give up`, async () => {
    const server = await serve({ spoken: ["v2"], serverFields: {} });
    const error = await assertRejects(() => dialled(server.port, { protocols: ["v1"] }), HandshakeError);
    assertEquals(error.failure, "protocol-missing");
    await (await server.accepted).theirs.closed;
    await server.close();
  });
}
