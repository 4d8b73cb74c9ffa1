// What the operating system says of a process: the CPU time of all its threads, user's and kernel's, and its resident
// memory. Linux only: it is read from /proc.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Ticks a second: USER_HZ, which is 100 wherever Linux runs. */
const HZ = 100;

/**
 * Tells the seconds of CPU time so far. A process' own sum comes in ticks of 10 ms; its threads' come in nanoseconds, but
 * are gone with the thread. So a thread counts with what it last had, and the sum in ticks is the least there is.
 */
export function cpuMeter(pid: number): () => number {
  const threads = new Map<string, number>();
  return () => {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      try {
        const [nanoseconds] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ");
        threads.set(thread, Number(nanoseconds));
      } catch {
        // it has just ended
      }
    }
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
    const ticks = Number(fields[11]) + Number(fields[12]);
    const sum = [...threads.values()].reduce((sum, nanoseconds) => sum + nanoseconds, 0) / 1e9;
    return Math.max(sum, (ticks - 2) / HZ); // both of its parts are rounded
  };
}

/** Resident memory, in bytes. */
export function residentMemory(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}

/** How many sockets a process has. */
export function openSockets(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith("socket:");
    } catch {
      return false; // it has just been closed
    }
  }).length;
}

/** Seconds of CPU time of all that runs on the machine. */
export function machineCpu(): number {
  // user, nice, system, idle, iowait, irq, softirq, steal
  const fields = readFileSync("/proc/stat", "utf8").split("\n")[0]!.split(/ +/).slice(1, 9).map(Number);
  return fields.reduce((sum, ticks, i) => i === 3 || i === 4 ? sum : sum + ticks, 0) / HZ;
}
