import { assertEquals } from "@std/assert";
import { readParameters, writeElement } from "../../src/handshake/compression_parameters.ts";
import { parseExtensions } from "../../src/http/field_values.ts";
import { test } from "../kit/harness.ts";

const read = (parameters: string, isOffer: boolean) =>
  readParameters(parseExtensions(`permessage-deflate; ${parameters}`)![0]!, isOffer);

test("readParameters() reads what writeElement() writes (RFC 7692 §7.1)", () => {
  const parameters = {
    server_no_context_takeover: true,
    server_max_window_bits: 8,
    client_max_window_bits: 15,
  } as const;
  const written = "server_no_context_takeover; server_max_window_bits=8; client_max_window_bits=15";
  assertEquals(writeElement(parameters), `permessage-deflate; ${written}`);
  for (const isOffer of [true, false]) assertEquals(read(written, isOffer), parameters);
  assertEquals(writeElement({}), "permessage-deflate");
});

test("readParameters() refuses an unknown parameter, a second one, and a wrong value (RFC 7692 §7.1)", () => {
  const wrong = [
    "x",
    "server_no_context_takeover=1",
    "server_max_window_bits",
    "client_no_context_takeover; ".repeat(2),
  ];
  for (const bits of ["7", "16", "08", "8.0", "true", '"x"']) wrong.push(`server_max_window_bits=${bits}`);
  for (const parameters of wrong.map((value) => value.replace(/; $/, ""))) {
    for (const isOffer of [true, false]) assertEquals(read(parameters, isOffer), undefined, parameters);
  }
});

test("readParameters() takes client_max_window_bits without a value in an offer only (RFC 7692 §7.1.2.2)", () => {
  assertEquals(read("client_max_window_bits", true), { client_max_window_bits: true });
  assertEquals(read("client_max_window_bits", false), undefined);
});
