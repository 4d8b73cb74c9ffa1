// The core's tests inside a Worker, over the rows of tests/cases: a request runs them and answers with what came of each.

import "./bare.ts";
import "../../handshake/answer_test.ts";
import "../../handshake/confirm_test.ts";
import "../../http/request_head_test.ts";
import "../../http/response_head_test.ts";
import "../../protocol/protocol_test.ts";
import "../../whole/doors_test.ts";
import "../../whole/faces_test.ts";
import { tests } from "../harness.ts";

/**
 * What a Worker does not have: something that listens, and HTTP/2. Nor is the class WebSocket for it: its EventTarget calls
 * what is in `onmessage` by itself, beside the listeners.
 */
const NOT_HERE = /^(?:serve\(\)|a connection of serve\(\):|(?:accept\(\) on )?a stream of HTTP\/2|WebSocket:)/;

/** What came of a test: its name, and what is wrong. */
export type CaseOutcome = readonly [name: string, wrong?: string];

export default {
  async fetch(): Promise<Response> {
    const outcomes: CaseOutcome[] = [];
    for (const [name, fn] of tests.filter(([name]) => !NOT_HERE.test(name))) {
      try {
        await fn();
        outcomes.push([name]);
      } catch (error) {
        outcomes.push([name, `${error instanceof Error ? error.stack : error}`]);
      }
    }
    return Response.json(outcomes);
  },
};
