// What the servers have in common: they tell where they listen, and end with whoever started them.

import process from "node:process";

/** Tells the port, and ends when the input does. */
export function listening(port: number): void {
  console.log(`listening ${port}`);
  process.stdin.on("end", () => process.exit(0)).resume();
}
