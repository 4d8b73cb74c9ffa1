import { assertRejects } from "@std/assert";
import { diallerFor, http2Dialler, listenFor } from "../../src/runtime/no_sockets.ts";
import { test } from "../kit/harness.ts";

test("where there are no sockets, dialling is a TypeError that says what to give instead", async () => {
  await assertRejects(diallerFor, TypeError, "give the connection as conn");
  await assertRejects(http2Dialler, TypeError, "give the connection as conn");
});

test("where there are no sockets, serving is a TypeError that says what to give instead", async () => {
  await assertRejects(listenFor, TypeError, "give connections of your own to accept()");
});
