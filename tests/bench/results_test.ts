// What a run tells: figures as text, the cells of a workload, and what a second process brings.

import { assert, assertEquals } from "@std/assert";
import { picture } from "../../bench/peers/picture.ts";
import { type Cell, cellsOf, resultTable, short, told } from "../../bench/peers/results.ts";
import { turns } from "../../bench/peers/rounds.ts";
import { gain, scaling } from "../../bench/peers/scaling.ts";
import { isTarget } from "../../bench/peers/targets.ts";
import { test } from "../kit/harness.ts";

function cell(workload: string, kind: Cell["kind"], figure: number, unit: Cell["unit"] = "messages"): Cell {
  return { workload, unit, runtime: "Bun", kind, figures: [figure] };
}

test("short() and told() give three digits or so, and times with their units", () => {
  assertEquals([2_400_000, 138_000, 4_821, 950.4].map(short), ["2.40 M", "138 k", "4.82 k", "950"]);
  assertEquals([23.6, 999.4, 1439, 54_800].map((value) => told(value, "µs")), [
    "24 µs",
    "999 µs",
    "1.44 ms",
    "54.8 ms",
  ]);
  assertEquals(told(1439, "messages"), "1.44 k");
});

test("cellsOf() gives a cell for each part of a workload and each server", () => {
  const peers = [{ runtime: "Bun", kind: "direct" }, { runtime: "Bun", kind: "native" }] as const;
  const whole = cellsOf({ name: "a", unit: "messages" }, peers);
  assertEquals(whole.map(({ workload, of, kind }) => [workload, of, kind]), [["a", "a", "direct"], [
    "a",
    "a",
    "native",
  ]]);
  const parts = cellsOf({ name: "a", unit: "µs", parts: ["50 %", "99 %"] }, peers);
  assertEquals(parts.map(({ workload, of }) => [workload, of]), [
    ["a: 50 %", "a"],
    ["a: 50 %", "a"],
    ["a: 99 %", "a"],
    ["a: 99 %", "a"],
  ]);
});

test("resultTable() has servers and clients apart, each beside its own peers", () => {
  const [servers, clients] = resultTable({
    cells: [
      cell("a", "direct", 300),
      cell("a", "native", 100),
      cell("client", "connect", 80),
      cell("client", "own", 10),
    ],
  }).split("\n\n");
  assert(/\| a +\| Handfast direct on Bun \| 300 .*\| 3\.00 \|/.test(servers!), servers);
  assert(!servers!.includes("client"));
  assert(/\| client +\| Handfast connect\(\) on Bun \| 80\.0 .*\| 8\.00 \|/.test(clients!), clients);
});

const PORT: readonly Cell[] = [
  cell("one port, one process: per second", "direct", 20_000),
  cell("one port, one process: per CPU second", "direct", 25_000),
  cell("one port, two processes: per second", "direct", 36_000),
  cell("one port, two processes: per CPU second", "direct", 24_000),
  cell("one port, two processes: connections of the busier process", "direct", 18),
];

test("gain() and scaling() compare two processes with one, where both were measured", () => {
  assertEquals(gain(PORT, "Bun", "direct"), 1.8);
  assert(scaling(PORT).includes("| Handfast direct on Bun | 20.0 k | 36.0 k | 1.80 | 0.96 | 18 |"), scaling(PORT));
  assertEquals([gain(PORT.slice(2), "Bun", "direct"), scaling(PORT.slice(2)), scaling([])], [undefined, "", ""]);
});

test("picture() leaves out what was not measured", () => {
  assert(!picture(PORT, "here").includes("Latency"));
  const drawn = picture([...PORT, cell("latency at half load: 99 %", "direct", 850, "µs")], "here");
  assert(drawn.includes("Latency, 99 %") && drawn.includes(">850 µs<") && drawn.includes(">1.80<"));
});

test("isTarget() knows both sides of a target, and the workload that it is a part of", () => {
  const handshake = "handshake and close", latency = "latency at half load";
  assert(isTarget(handshake, { runtime: "Node 26", kind: "direct" }));
  assert(isTarget(handshake, { runtime: "Node 26", kind: "ws" }));
  assert(isTarget("32 × 20 B × 16 binary", { runtime: "C, C++", kind: "Beast" }));
  assert(isTarget(latency, { runtime: "Node", kind: "ws" }), "its target is one of 99 %");
  assert(!isTarget(latency, { runtime: "Node", kind: "raw" }));
  assert(!isTarget(handshake, { runtime: "Bun", kind: "ws" }), "its target is one beside Bun.serve");
  assert(!isTarget("32 × 20 B × 1 text", { runtime: "Bun", kind: "direct" }));
});

test("turns() gives everybody in each round, and then three times as many in all to what a target is about", () => {
  assertEquals([...turns(["a", "b"], 2, (name) => name === "b")].join(""), "ababbbbb");
});
