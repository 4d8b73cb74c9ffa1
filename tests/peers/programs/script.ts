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

/** How many messages there are where compression was agreed. */
export const MANY = 1000;

/**
 * Messages that can be compressed, most of them small, a few large: words that come again within and across messages,
 * as text and as binary, and some noise. They are sent all at once. program.py and beast.cpp make the same.
 */
export function many(): Message[] {
  let state = 1;
  const next = () => {
    state = Math.imul(state, 1103515245) + 12345 & 0x7fffffff;
    return state >> 16;
  };
  const encoder = new TextEncoder(), words: string[] = [], messages: Message[] = [];
  for (let i = 0; i < 400; i++) {
    let word = "";
    for (let length = 2 + next() % 8; length > 0; length--) word += String.fromCharCode(97 + next() % 26);
    words.push(i % 7 === 0 ? word + "ß👋" : word);
  }
  for (let i = 0; i < MANY; i++) {
    if (i % 10 === 9) {
      const noise = new Uint8Array(next() % 600);
      for (let at = 0; at < noise.length; at++) noise[at] = next() & 0xff;
      messages.push(noise);
      continue;
    }
    const isLong = next() % 8 === 0, count = next() % (isLong ? 1500 : 40);
    let text = "";
    for (let j = 0; j < count; j++) text += words[next() % words.length] + " ";
    messages.push(i % 3 === 2 ? encoder.encode(text) : text);
  }
  return messages;
}
