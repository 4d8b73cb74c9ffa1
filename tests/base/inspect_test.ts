import { assertEquals } from "@std/assert";
import { INSPECT, type Inspect, inspectAs } from "../../src/base/inspect.ts";
import { test } from "../kit/harness.ts";
import { shown } from "../kit/shown.ts";

class Line {
  readonly token = "s3cret";

  [INSPECT](depth: number, options: object, inspect: Inspect): string {
    return inspectAs("Line", { state: "open", peer: undefined, waiting: 3 }, depth, options, inspect);
  }
}

const oneLine = (value: unknown) => shown(value).replaceAll('"', "'").replace(/,?\s+/g, " ");

test("console.log() shows what inspectAs() is given, and nothing else, on every runtime", () => {
  assertEquals(oneLine(new Line()), "Line { state: 'open' waiting: 3 }");
  assertEquals(oneLine({ line: new Line() }), "{ line: Line { state: 'open' waiting: 3 } }");
});

test("inspectAs() gives the name alone where nothing deeper is to be shown", () => {
  assertEquals(inspectAs("Line", { state: "open" }, -1, {}, String), "[Line]");
});
