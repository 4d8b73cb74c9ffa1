import { assert } from "@std/assert";
import { type Fields, readLines } from "../../src/http/field_lines.ts";
import { latin1 } from "./harness.ts";

/** The fields of a head with these. */
export function fieldsOf(...lines: (readonly [name: string, value: string])[]): Fields {
  const read = readLines(latin1(`a\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`));
  assert("fields" in read);
  return read.fields;
}
