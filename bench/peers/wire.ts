// What the load sends, made beforehand: frames of a client, and the upgrade request of a browser; and how the first echo
// is taken apart.

/** A client's frame, with a random masking key (RFC 6455 §5.2), of a payload that may be compressed (RFC 7692 §6). */
export function clientFrame(isText: boolean, payload: Uint8Array, isCompressed = false): Uint8Array {
  const { length } = payload, size = length < 126 ? 2 : length < 65536 ? 4 : 10;
  const frame = new Uint8Array(size + 4 + length), view = new DataView(frame.buffer);
  frame[0] = (isText ? 0x81 : 0x82) | (isCompressed ? 0x40 : 0);
  frame[1] = 0x80 | (size === 2 ? length : size === 4 ? 126 : 127);
  if (size === 4) view.setUint16(2, length);
  else if (size === 10) view.setBigUint64(2, BigInt(length));
  const key = crypto.getRandomValues(frame.subarray(size, size + 4));
  for (let i = 0; i < length; i++) frame[size + 4 + i] = payload[i]! ^ key[i & 3]!;
  return frame;
}

/** A payload that is told from the others by its beginning, and is ASCII when it is text. */
export function payload(isText: boolean, size: number, index: number): Uint8Array {
  return Uint8Array.from(
    { length: size },
    (_, i) => isText ? 0x20 + (i * 7 + index) % 95 : (i * 31 + index * 17) & 255,
  );
}

/** A message of a server. */
export interface Message {
  readonly isText: boolean;
  readonly payload: Uint8Array;
}

/**
 * The messages that are whole, however fragmented, and where they end; throws for what is not a server's data frame, and
 * for messages that are compressed or are not when it should be the other way around.
 */
export function parse(bytes: Uint8Array, isCompressed = false): { messages: Message[]; end: number } {
  const messages: Message[] = [], view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = 0, isText: boolean | undefined, parts: Uint8Array[] = [];
  for (let at = 0; at + 2 <= bytes.length;) {
    const first = bytes[at]!, second = bytes[at + 1]!;
    const rsv1 = isCompressed ? 0x40 : 0;
    const known = isText === undefined ? [1 | rsv1, 2 | rsv1].includes(first & 0x7f) : (first & 0x7f) === 0;
    if (!known || second > 127) throw new Error(`Not a data frame of a server: ${first} ${second}`);
    const size = second < 126 ? 2 : second === 126 ? 4 : 10;
    if (at + size > bytes.length) break;
    const length = size === 2 ? second : size === 4 ? view.getUint16(at + 2) : Number(view.getBigUint64(at + 2));
    if (at + size + length > bytes.length) break;
    isText ??= (first & 15) === 1;
    parts.push(bytes.subarray(at + size, at + size + length));
    at += size + length;
    if (first < 0x80) continue;
    messages.push({ isText, payload: concat(parts) });
    [end, isText, parts] = [at, undefined, []];
  }
  return { messages, end };
}

/** All of them in one. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * A request as Chrome sends it, and what answers its key; the compression that it offers is for some to accept, and may be
 * one without context takeover, which Chrome does not ask for.
 */
export async function chromeRequest(
  port: number,
  path = "/echo",
  offersCompression = true,
  withoutTakeover = false,
): Promise<{ request: Uint8Array; accept: string }> {
  const takeover = withoutTakeover ? "; server_no_context_takeover; client_no_context_takeover" : "";
  const key = base64(crypto.getRandomValues(new Uint8Array(16)));
  const request = [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    "Connection: Upgrade",
    "Pragma: no-cache",
    "Cache-Control: no-cache",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Upgrade: websocket",
    `Origin: http://127.0.0.1:${port}`,
    "Sec-WebSocket-Version: 13",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8",
    "Cookie: session=9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d; theme=dark",
    `Sec-WebSocket-Key: ${key}`,
    ...(offersCompression ? [`Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits${takeover}`] : []),
    "\r\n",
  ].join("\r\n");
  const text = new TextEncoder();
  const digest = await crypto.subtle.digest("SHA-1", text.encode(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`));
  return { request: text.encode(request), accept: base64(new Uint8Array(digest)) };
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** Where a response head ends, or -1 while it has not; throws unless it is the 101 for that key, compressed or not. */
export function endOfHead(bytes: Uint8Array, accept: string, isCompressed = false): number {
  const text = new TextDecoder("latin1").decode(bytes), end = text.indexOf("\r\n\r\n");
  if (end < 0) return -1;
  const head = text.slice(0, end + 2), field = /\r\nsec-websocket-accept: *(.*?) *\r\n/i.exec(head)?.[1];
  const compresses = /\r\nsec-websocket-extensions: *permessage-deflate/i.test(head);
  if (!head.startsWith("HTTP/1.1 101 ") || field !== accept || compresses !== isCompressed) {
    throw new Error(`Not the response that was expected: ${head}`);
  }
  return end + 4;
}
