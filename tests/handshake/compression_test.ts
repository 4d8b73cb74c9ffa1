import { assert, assertEquals } from "@std/assert";
import { type Agreement, answer, type CompressionOptions, confirm, offer } from "../../mod.ts";
import { answerDeflate, deflateOffer, judgeDeflate } from "../../src/handshake/compression.ts";
import { checkCompression, type DeflateOffer, offerOf } from "../../src/protocol/compression_options.ts";
import { agreed } from "../cases/deflate.ts";
import { test } from "../kit/harness.ts";

const offered = (compression: true | CompressionOptions): DeflateOffer =>
  offerOf(checkCompression(compression, "client")!);

test("deflateOffer() is permessage-deflate with client_max_window_bits, and what was asked for (RFC 7692 §7.1)", () => {
  for (
    const [compression, element] of [
      [true, "client_max_window_bits"],
      [{}, "client_max_window_bits"],
      [{ level: 1, memLevel: 1, threshold: 0 }, "client_max_window_bits"],
      [{ serverNoContextTakeover: false, clientNoContextTakeover: false }, "client_max_window_bits"],
      [{ serverNoContextTakeover: true }, "server_no_context_takeover; client_max_window_bits"],
      [{ clientNoContextTakeover: true }, "client_no_context_takeover; client_max_window_bits"],
      [{ serverMaxWindowBits: 8 }, "server_max_window_bits=8; client_max_window_bits"],
      [{ clientMaxWindowBits: 9 }, "client_max_window_bits=9"],
      [{ serverMaxWindowBits: 15, clientMaxWindowBits: 15 }, "server_max_window_bits=15; client_max_window_bits=15"],
      [
        {
          serverMaxWindowBits: 10,
          clientMaxWindowBits: 11,
          serverNoContextTakeover: true,
          clientNoContextTakeover: true,
        },
        "server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=11",
      ],
    ] as const
  ) {
    assertEquals(deflateOffer(offered(compression)), `permessage-deflate; ${element}`);
    const made = offer("ws://h/", { compression });
    assertEquals(made.request.headers.get("sec-websocket-extensions"), `permessage-deflate; ${element}`);
    assertEquals(made.deflate, offered(compression));
  }
});

test("offer() offers no compression by default (RFC 7692 §5)", () => {
  for (const made of [offer("ws://h/"), offer("ws://h/", { compression: false })]) {
    assertEquals([made.request.headers.get("sec-websocket-extensions"), made.deflate], [null, undefined]);
  }
});

test("answerDeflate() answers nothing where nothing is offered, or wanted (RFC 7692 §5)", () => {
  for (const offers of [null, "", "foo", "permessage-deflate; x", "permessage-deflate; =", ", ,"]) {
    assertEquals(answerDeflate(offers, checkCompression(true, "server")), undefined, offers ?? "null");
  }
  for (const compression of [undefined, false]) {
    assertEquals(answerDeflate("permessage-deflate", checkCompression(compression, "server")), undefined);
  }
});

/** Every setting of the four parameters that this role may have, with some windows. */
function* settings(role: "client" | "server"): Generator<CompressionOptions> {
  const least = (own: boolean) => [undefined, own ? 9 : 8, 11, 15];
  for (const serverMaxWindowBits of least(role === "server")) {
    for (const clientMaxWindowBits of least(role === "client")) {
      for (let set = 0; set < 4; set++) {
        const bare = { serverNoContextTakeover: (set & 1) !== 0, clientNoContextTakeover: (set & 2) !== 0 };
        yield { serverMaxWindowBits, clientMaxWindowBits, ...bare };
      }
    }
  }
}

test("both ends agree on the same, whatever both want, and neither gets more than it wants (RFC 7692 §5.1)", () => {
  let agreements = 0, declined = 0;
  for (const client of settings("client")) {
    const made = offered(client);
    for (const server of settings("server")) {
      const what = JSON.stringify([client, server]),
        found = answerDeflate(deflateOffer(made), checkCompression(server, "server"));
      if (!found) {
        // A window of 256 bytes is the only thing that a server can't do
        assertEquals(client.serverMaxWindowBits, 8, what);
        declined++;
        continue;
      }
      agreements++;
      const judged = judgeDeflate(found.extensions, made);
      if ("failure" in judged) {
        // … and a client: it is not allowed to be asked for it
        assertEquals([judged.failure, server.clientMaxWindowBits], ["extension-unrequested", 8], what);
        continue;
      }
      assertEquals(judged, found.deflate, what);
      const { serverMaxWindowBits: servers, clientMaxWindowBits: clients } = judged;
      assertEquals(servers, Math.min(client.serverMaxWindowBits ?? 15, server.serverMaxWindowBits ?? 15), what);
      assertEquals(clients, Math.min(client.clientMaxWindowBits ?? 15, server.clientMaxWindowBits ?? 15), what);
      for (const name of ["serverNoContextTakeover", "clientNoContextTakeover"] as const) {
        assertEquals(judged[name], client[name]! || server[name]!, what);
      }
    }
  }
  assertEquals([agreements, declined], [64 * 48, 64 * 16]);
});

test("judgeDeflate() says what is wrong, and with which value (RFC 7692 §5)", () => {
  const made = offered({ serverMaxWindowBits: 10, serverNoContextTakeover: true });
  for (
    const [value, failure, why] of [
      [
        "permessage-deflate; server_max_window_bits=10",
        "extension-unrequested",
        "server_no_context_takeover was asked for",
      ],
      [
        "permessage-deflate; server_no_context_takeover",
        "extension-unrequested",
        "a server_max_window_bits of at most 10 was asked for",
      ],
      [
        "permessage-deflate; server_max_window_bits=7",
        "extension-malformed",
        '"permessage-deflate; server_max_window_bits=7"',
      ],
      ["foo", "extension-unrequested", "it was not offered"],
      ["permessage-deflate, foo", "extension-unrequested", "there is more than one extension"],
      ["permessage-deflate;", "extension-malformed", '"permessage-deflate;"'],
    ] as const
  ) {
    const problem = judgeDeflate(value, made);
    assert("failure" in problem, value);
    assertEquals(problem.failure, failure, value);
    assert(problem.detail.includes(why), problem.detail);
  }
  const unasked = judgeDeflate("permessage-deflate", undefined);
  assertEquals("failure" in unasked && unasked.failure, "extension-unrequested");
});

test("answer() and confirm() have the agreement about compression, and none without (RFC 7692 §5)", async () => {
  const compression = { serverMaxWindowBits: 12, clientNoContextTakeover: true };
  const made = offer("ws://h/", { compression });
  const { agreement, response } = await answer(made.request, { compression: true });
  const extensions = "permessage-deflate; client_no_context_takeover; server_max_window_bits=12";
  const deflate = agreed({ serverMaxWindowBits: 12, clientNoContextTakeover: true });
  assertEquals(agreement, { role: "server", protocol: "", extensions, deflate });
  assertEquals(await confirm(made, response), { role: "client", protocol: "", extensions, deflate });

  const bare: Omit<Agreement, "role"> = { protocol: "", extensions: "" };
  const refused = await answer(made.request);
  assertEquals(refused.agreement, { role: "server", ...bare });
  assertEquals(await confirm(made, refused.response), { role: "client", ...bare });
});
