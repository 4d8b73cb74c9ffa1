import { assertRejects } from "@std/assert";
import { serve } from "../../src/server/no_serve.ts";
import { test } from "../kit/harness.ts";

test("where there are no sockets, serve() rejects with a TypeError that says what to call instead", async () => {
  await assertRejects(() => serve({ port: 0 }, () => {}), TypeError, "give connections of your own to accept()");
});
