// Frame headers (src/protocol/frame_header.ts): the three forms of length, read from the frames of RFC 6455 §5.7 and
// written, beside a DataView.

import { type FrameHeader, headerSizeFor, readHeader, writeHeader } from "../src/protocol/frame_header.ts";
import { examples } from "../tests/cases/frames_header.ts";
import { compare } from "./harness.ts";
import { bytesOf } from "./inputs.ts";

const header: FrameHeader = { fin: false, rsv: 0, opcode: 0, masked: false, length: 0, key: 0 };

function readByView(bytes: Uint8Array): FrameHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const first = view.getUint8(0), second = view.getUint8(1), masked = second >= 0x80;
  let length = second & 0x7f, at = 2;
  if (length === 126) {
    length = view.getUint16(2);
    at = 4;
  } else if (length === 127) {
    length = Number(view.getBigUint64(2));
    at = 10;
  }
  const key = masked ? view.getUint32(at) : 0;
  return { fin: first >= 0x80, rsv: first >> 4 & 7, opcode: first & 15, masked, length, key };
}

function writeByView(out: Uint8Array, length: number, key: number): number {
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
  let at = 2;
  view.setUint8(0, 0x82);
  if (length < 126) view.setUint8(1, 0x80 | length);
  else if (length < 65536) {
    view.setUint8(1, 0x80 | 126);
    view.setUint16(2, length);
    at = 4;
  } else {
    view.setUint8(1, 0x80 | 127);
    view.setBigUint64(2, BigInt(length));
    at = 10;
  }
  view.setUint32(at, key);
  return at + 4;
}

for (
  const [name, row] of [
    ["7 bits of length, masked", "a single-frame masked text message"],
    ["16 bits", "256 bytes in an unmasked frame"],
    ["64 bits", "64 KiB in an unmasked frame"],
  ] as const
) {
  const bytes = bytesOf(examples.find((example) => example.name === row)!.bytes);
  await compare(`frame: read a header, ${name}`, readByView(bytes), {
    DataView: () => readByView(bytes),
    "readHeader()": () => {
      readHeader(bytes, 0, bytes.length, header);
      return header;
    },
  });
}

const out = new Uint8Array(16);
for (const [name, length] of [["7 bits of length", 5], ["16 bits", 256], ["64 bits", 65536]] as const) {
  await compare(`frame: write a masked header, ${name}`, headerSizeFor(length, true), {
    DataView: () => writeByView(out, length, 0x37fa213d),
    "writeHeader()": () => writeHeader(out, 0, 0x82, length, 0x37fa213d),
  });
}
