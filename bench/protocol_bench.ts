// The machine (src/protocol/protocol.ts): a server's echo of a chunk of frames, beside copying the same bytes in and
// out. What is received is unmasked in place, so that every echo begins with a copy of its chunk.

import { Protocol } from "../src/protocol/protocol.ts";
import { compare } from "./harness.ts";
import { ascii, masked } from "./inputs.ts";

/** Echoes chunks, and says how many bytes came out. */
function echoes(): (chunk: Uint8Array<ArrayBuffer>) => number {
  const machine: Protocol = new Protocol({ role: "server", protocol: "", extensions: "" }, {
    message: (message) => machine.send(message),
    close() {},
    fail(error) {
      throw error;
    },
  });
  return (chunk) => {
    machine.receive(chunk);
    let length = 0;
    for (let bytes; (bytes = machine.take());) {
      length += bytes.length;
      machine.recycle(bytes);
    }
    return length;
  };
}

for (const [name, size, count] of [["20 B", 20, 16], ["1 KiB", 1024, 16], ["64 KiB", 65536, 1]] as const) {
  const wires = { binary: masked("binary", ascii(size), count), text: masked("text", ascii(size), count) };
  const { length } = wires.binary, chunk = new Uint8Array(length), out = new Uint8Array(length), echo = echoes();
  const echoed = length - 4 * count; // without the keys
  await compare(`protocol: ${count} × ${name}, echoed`, echoed, {
    "copied in and out": () => {
      chunk.set(wires.binary);
      out.set(chunk);
      return echoed;
    },
    "Protocol, binary": () => {
      chunk.set(wires.binary);
      return echo(chunk);
    },
    "Protocol, text": () => {
      chunk.set(wires.text);
      return echo(chunk);
    },
  });
}
