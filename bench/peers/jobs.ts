// A process that does jobs: it reads one a line from its input, as JSON, and answers with a line of what it measured, or
// with `{ "error": … }`. It ends when its input does.

import process from "node:process";
import { createInterface } from "node:readline";

/** What could not be measured, and why. */
export interface Failed {
  readonly error: string;
}

/** Does all of them. */
export async function answerJobs<Job, Result extends object>(run: (job: Job) => Promise<Result>): Promise<never> {
  for await (const line of createInterface({ input: process.stdin })) {
    const answer: Result | Failed = await run(JSON.parse(line)).catch((error) => ({ error: String(error) }));
    console.log(JSON.stringify(answer));
  }
  process.exit(0);
}
