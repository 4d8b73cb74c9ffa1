// The messages that every client sends and every server echoes, whatever the language: program.py and beast.cpp say
// the same. The sizes are those at which a frame's length is written differently (RFC 6455 §5.2), and their neighbours.

/** A message: text is a string, binary is bytes. */
export type Message = string | Uint8Array<ArrayBuffer>;

/** How many bytes a binary message has. */
const bytes = [0, 1, 125, 126, 127, 65_535, 65_536, 1_048_576];

/** How often a text message repeats `PHRASE`, whose characters take one, two and four bytes. */
const repetitions = [0, 1, 100, 70_000];
const PHRASE = "grüße 👋 ";

/** The messages in their order. They are sent twice: each after the last one's echo, then all at once. */
export const script: readonly Message[] = [
  ...bytes.map((size) => Uint8Array.from({ length: size }, (_, i) => (i * 31 + size) & 0xff)),
  ...repetitions.map((count) => PHRASE.repeat(count)),
];
