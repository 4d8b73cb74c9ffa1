// Reports as the runtimes write them, and what their comparison tells.

import { assertEquals } from "@std/assert";
import { test } from "./harness.ts";
import { compare, readReport } from "./report.ts";

test("readReport() reads what came of each case, as every runtime writes it", () => {
  const deno = `<?xml version="1.0"?><testsuites><testsuite name="./tests/harness.ts" tests="3">
    <testcase name="a &quot;b&quot; &amp; &#x3c;c>" classname="./tests/harness.ts" time="1.445" line="39" col="32">
    </testcase>
    <testcase name="fails" classname="./tests/harness.ts" time="0.001"><failure message="x">at</failure></testcase>
    <testcase name="waits" classname="./tests/harness.ts" time="0.001"><skipped/></testcase></testsuite></testsuites>`;
  const outcomes = [['a "b" & <c>', "passed"], ["fails", "failed"], ["waits", "ignored"]];
  assertEquals([...readReport(deno)], outcomes as never);
  const node = `<testsuites>
    <testcase name="a &amp;quot;b&amp;quot; &amp;amp; &amp;lt;c&amp;gt;" time="0.1" classname="test" file="x.ts"/>
    <testcase name="fails" time="0.1" classname="test"><failure type="testCodeFailure">at</failure></testcase>
    <testcase name="waits" time="0.1"><skipped type="skipped" message="true"/></testcase></testsuites>`;
  assertEquals([...readReport(node)], outcomes as never);
});

test("readReport() tells several cases of one name apart, and finds none where there is none", () => {
  const report = `<testcase name="a"/><testcase name="a"><error/></testcase>`;
  assertEquals([...readReport(report)], [["a", "passed"], ["a #2", "failed"]]);
  assertEquals(readReport("").size, 0);
});

test("compare() tells each case that somebody has not, or not with the same outcome", () => {
  const one = new Map([["a", "passed"], ["b", "passed"], ["c", "failed"]] as const);
  const other = new Map([["a", "passed"], ["c", "passed"], ["d", "ignored"]] as const);
  assertEquals(compare([["One", one], ["Other", other]]), [
    "differs: «b»: One passed, Other not run",
    "differs: «c»: One failed, Other passed",
    "differs: «d»: One not run, Other ignored",
  ]);
  assertEquals([compare([["One", one], ["Other", one]]), compare([["One", one]])], [[], []]);
});
