// Loss in all its forms.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Message, type WebSocketConnection, WebSocketError } from "../../../mod.ts";
import { FIN, OPCODE } from "../../../src/protocol/frame_header.ts";
import { concat, handlingAll, test } from "../../kit/harness.ts";
import type { RawConn } from "../../kit/tcp.ts";
import { headerOf, KIB, turn } from "./common.ts";
import type { Door } from "./doors.ts";

/** Rows: how a peer goes that has sent no Close frame. */
const losses: readonly { readonly name: string; lose(peer: RawConn): void | Promise<void> }[] = [
  { name: "half-closes", lose: (peer) => peer.closeWrite() },
  { name: "closes", lose: (peer) => peer.close() },
  {
    name: "closes inside a frame",
    async lose(peer) {
      await peer.write(Uint8Array.of(FIN | OPCODE.binary));
      peer.close();
    },
  },
  {
    name: "resets",
    async lose(peer) {
      assertEquals(await peer.read(new Uint8Array(1)), 1); // something was sent
      peer.reset();
    },
  },
];

const MESSAGE = concat(headerOf(1, "client"), Uint8Array.of(7));

/** Rows: how five messages are taken that have come before the end. */
const faces: Readonly<
  Record<string, (ours: WebSocketConnection, take: (message: Message) => void) => Promise<unknown>>
> = {
  "the streams": async (ours, take) => {
    for await (const message of ours.readable) take(message);
  },
  "receive()": (ours, take) => ours.receive(take),
};

/** Rows: what an application has begun, and waits for nowhere but in `closed`. */
const uses: Readonly<Record<string, (ours: WebSocketConnection, peer: RawConn) => void | Promise<void>>> = {
  "is read by its streams": (ours) => {
    const reader = ours.readable.getReader(), writer = ours.writable.getWriter();
    reader.read().catch((error) => assert(error instanceof WebSocketError, `${error}`));
    writer.write("message").catch(() => {});
  },
  "is read by receive()": (ours) => {
    ours.receive(() => {});
    ours.send("message");
  },
  "has a handler that does not come back": async (ours, peer) => {
    ours.send("message");
    const called = new Promise<void>((resolve) => {
      ours.receive(() => {
        resolve();
        return new Promise(() => {});
      }).catch(() => {});
    });
    await peer.write(MESSAGE);
    await called;
  },
  "waits for room and a pong": (ours) => {
    ours.receive(() => {});
    ours.ping();
    for (let i = 0; i < 100; i++) ours.send(new Uint8Array(64 * KIB));
  },
};

/** Registers that a connection which is lost says so. */
export function testLoss(door: Door): void {
  for (const { name, lose } of losses) {
    for (const [use, begin] of Object.entries(uses)) {
      test(`a connection on ${door.name} that ${use} ends with 1006 when the peer ${name}`, async () => {
        await handlingAll(async () => {
          await using pair = await door.open("server");
          const { peer, ours } = pair;
          await begin(ours, peer);
          await lose(peer);
          const error = await assertRejects(() => ours.closed, WebSocketError);
          assertEquals([error.failure, error.closeCode], ["connection-lost", 1006]);
        });
      });
    }
  }

  for (const [face, read] of Object.entries(faces)) {
    test(`a connection on ${door.name} hands over by ${face} what came before its peer half-closed`, async () => {
      await using pair = await door.open("server");
      const { peer, ours } = pair, taken: Message[] = [];
      await peer.write(concat(...new Array(5).fill(MESSAGE)));
      await peer.closeWrite();
      const error = await assertRejects(() => read(ours, (message) => void taken.push(message)), WebSocketError);
      assertEquals([taken.length, error.failure], [5, "connection-lost"]);
    });
  }

  test(`a connection on ${door.name} that only writes ends with 1006 when the peer is gone`, async () => {
    await handlingAll(async () => {
      await using pair = await door.open("server");
      const { peer, ours } = pair;
      peer.close();
      // It is read as well, so that the end is seen; what is written meanwhile may be answered by a reset
      const sending = (async () => {
        for (let i = 0; i < 1000; i++) {
          await ours.send("message");
          await turn();
        }
      })();
      assertEquals((await assertRejects(() => sending, DOMException)).name, "InvalidStateError");
      const error = await assertRejects(() => ours.closed, WebSocketError);
      assertEquals([error.failure, error.closeCode], ["connection-lost", 1006]);
    });
  });
}
