import { assertEquals } from "@std/assert";
import {
  checkLength,
  checkStart,
  FIN,
  type FrameHeader,
  headerSize,
  headerSizeFor,
  MAX_HEADER,
  OPCODE,
  readHeader,
  writeHeader,
} from "../../src/protocol/frame_header.ts";
import { hex, random, test } from "../kit/harness.ts";

const fresh = (): FrameHeader => ({ fin: false, rsv: 0, opcode: 0, masked: false, length: 0, key: 0 });

/** Each form of length at its edges. */
const LENGTHS = [0, 1, 125, 126, 127, 255, 256, 65535, 65536, 65537, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];

test("readHeader() reads the parts of a header (RFC 6455 §5.2)", () => {
  for (
    const [bytes, expected] of [
      ["81 05", { fin: true, rsv: 0, opcode: 1, masked: false, length: 5, key: 0 }],
      ["01 03", { fin: false, rsv: 0, opcode: 1, masked: false, length: 3, key: 0 }],
      ["f2 85 37 fa 21 3d", { fin: true, rsv: 7, opcode: 2, masked: true, length: 5, key: 0x37fa213d }],
      ["c2 80 ff ff ff ff", { fin: true, rsv: 4, opcode: 2, masked: true, length: 0, key: -1 }],
      ["82 7e 01 00", { fin: true, rsv: 0, opcode: 2, masked: false, length: 256, key: 0 }],
      ["82 7f 00 00 00 00 00 01 00 00", { fin: true, rsv: 0, opcode: 2, masked: false, length: 65536, key: 0 }],
      ["82 7f 00 1f ff ff ff ff ff ff", { fin: true, rsv: 0, opcode: 2, masked: false, length: 2 ** 53 - 1, key: 0 }],
    ] as const
  ) {
    const header = fresh(), input = hex(bytes);
    assertEquals(readHeader(input, 0, input.length, header), input.length);
    assertEquals(header, expected, bytes);
  }
});

test("readHeader() takes nothing of a header that is not whole (RFC 6455 §5.2)", () => {
  for (
    const bytes of ["81 05", "81 85 01 02 03 04", "82 fe 01 00 01 02 03 04", "82 ff 00 00 00 00 00 01 00 00 1 2 3 4"]
  ) {
    const input = hex(bytes.replace("1 2 3 4", "01 02 03 04"));
    assertEquals(headerSize(input[1]!), input.length);
    for (let end = 0; end < input.length; end++) {
      const header = fresh();
      assertEquals(readHeader(input, 0, end, header), 0);
      assertEquals(header, fresh());
    }
    const header = fresh();
    assertEquals(
      readHeader(hex("00 " + bytes.replace("1 2 3 4", "01 02 03 04")), 1, input.length + 1, header),
      input.length,
    );
  }
});

test("readHeader() tells a length of 2^63 from one below (RFC 6455 §5.2)", () => {
  for (
    const [bytes, failure] of [
      ["82 7f 7f ff ff ff ff ff ff ff", undefined],
      ["82 7f 80 00 00 00 00 00 00 00", "length-too-large"],
      ["82 7f 80 00 00 00 00 00 00 05", "length-too-large"],
      ["82 7f ff ff ff ff ff ff ff ff", "length-too-large"],
    ] as const
  ) {
    const header = fresh();
    readHeader(hex(bytes), 0, 10, header);
    assertEquals(checkLength(127, header.length), failure, bytes);
  }
});

test("writeHeader() writes what readHeader() reads, in the shortest form (RFC 6455 §5.2)", () => {
  const next = random(6);
  for (const length of LENGTHS) {
    for (const key of [undefined, 0, 1, 0x37fa213d, 0xffffffff, next()]) {
      const out = new Uint8Array(3 + MAX_HEADER), first = FIN | OPCODE.binary;
      const end = writeHeader(out, 3, first, length, key);
      assertEquals(end - 3, headerSizeFor(length, key !== undefined));
      assertEquals(end - 3, headerSize(out[4]!));
      assertEquals(out.subarray(0, 3), new Uint8Array(3));
      const header = fresh();
      assertEquals(readHeader(out, 3, end, header), end - 3);
      assertEquals(header, { fin: true, rsv: 0, opcode: 2, masked: key !== undefined, length, key: (key ?? 0) | 0 });
      assertEquals(checkLength(out[4]!, length), undefined);
    }
  }
});

test("checkLength() refuses longer forms than needed (RFC 6455 §5.2)", () => {
  for (
    const [short, length, failure] of [
      [0, 0, undefined],
      [125, 125, undefined],
      [126, 125, "length-not-minimal"],
      [126, 126, undefined],
      [126, 65535, undefined],
      [127, 0, "length-not-minimal"],
      [127, 65535, "length-not-minimal"],
      [127, 65536, undefined],
      [127, 2 ** 62, undefined],
      [127, 2 ** 63, "length-too-large"],
    ] as const
  ) {
    assertEquals(checkLength(short, length), failure, `${short} ${length}`);
    assertEquals(checkLength(short | 0x80, length), failure, `${short} ${length}`);
  }
});

test("checkStart() judges all 65,536 beginnings in the order of the RFC (RFC 6455 §5.1, §5.2, §5.4, §5.5; RFC 7692 §6)", () => {
  for (let first = 0; first < 256; first++) {
    for (let second = 0; second < 256; second++) {
      const opcode = first & 15, fin = first >= 128, masked = second >= 128, short = second & 127;
      const isControl = opcode >= 8;
      for (const server of [false, true]) {
        for (const [inside, deflates] of [[false, false], [false, true], [true, false], [true, true]] as const) {
          const isCompressed = deflates && (first & 0x70) === 0x40 && (opcode === 1 || opcode === 2);
          const rules: [broken: boolean, failure: string][] = [
            [(first & 0x70) !== 0 && !isCompressed, "rsv-set"],
            [![0, 1, 2, 8, 9, 10].includes(opcode), "opcode-reserved"],
            [server && !masked, "mask-missing"],
            [!server && masked, "mask-unexpected"],
            [isControl && !fin, "control-fragmented"],
            [isControl && short > 125, "control-too-long"],
            [opcode === 0 && !inside, "continuation-unexpected"],
            [!isControl && opcode !== 0 && inside, "continuation-expected"],
          ];
          const expected = rules.find(([broken]) => broken)?.[1];
          const found = checkStart(first, second, server, inside, deflates);
          if (found !== expected) {
            assertEquals(found, expected as never, `${[first, second, server, inside, deflates]}`);
          }
        }
      }
    }
  }
});
