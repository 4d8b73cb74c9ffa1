// What the programs in TypeScript have in common: the command line, the script and what is checked, for a WebSocket of
// any kind, on Deno, Bun and Node.
//
//   serve [--tls CERT.pem KEY.pem]  prints `listening PORT`, echoes every message, ends when its stdin does
//   connect URL [--ca CA.pem]       runs the script, closes, prints `{"messages":N,"closeCode":C}`
//
// With compression of all messages, however small, for each of several settings by the names of RFC 7692 §7.1:
//
//   serve --deflate '[{"serverMaxWindowBits":9,"clientNoContextTakeover":true},…]'
//       prints `listening PORT PORT …`, one for each of them
//   connect --deflate '[{…},…]' URL URL …
//       sends the many messages to one after the other, and prints a line for each of them that has the value of
//       Sec-WebSocket-Extensions, too: `{"messages":N,"closeCode":C,"extensions":"permessage-deflate; …"}`
//
// The exit code is 0 when all went well, 1 when something did not, 2 when the program was called wrongly.

import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import process from "node:process";
import { many, type Message, script } from "./script.ts";

/** What a server proves itself with, both in PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** What is asked of the peer, and said of oneself, about compression (RFC 7692 §7.1). */
export interface Deflate {
  readonly serverMaxWindowBits?: number;
  readonly clientMaxWindowBits?: number;
  readonly serverNoContextTakeover?: boolean;
  readonly clientNoContextTakeover?: boolean;
}

/** An open WebSocket of a client. */
export interface Client {
  /** The value of Sec-WebSocket-Extensions in the response. */
  readonly extensions: string;
  /** Sends a message. It is not waited for, unless what is returned is awaited. */
  send(message: Message): void | Promise<void>;
  /** The next message that has not been taken yet. */
  next(): Promise<Message>;
  /** Closes, and returns the code of the peer's Close frame when the closing is complete. */
  close(code: number, reason: string): Promise<number>;
}

/** The roles a program has. */
export interface Program {
  /** Echoes on a free port of 127.0.0.1, which it returns; over TLS with an identity, compressed with settings. */
  serve?(identity: Identity | undefined, deflate: Deflate | undefined): number | Promise<number>;
  /** Opens a WebSocket. `ca` is the PEM of the authority to trust. */
  connect?(url: string, ca: string | undefined, deflate: Deflate | undefined): Promise<Client>;
}

const WATCHDOG_MS = 60_000;

/** Does what the command line says. */
export async function run(program: Program): Promise<void> {
  const [role, ...rest] = process.argv.slice(2);
  try {
    const settings: readonly Deflate[] = rest[0] === "--deflate" ? JSON.parse(rest[1] ?? "") : [];
    if (role === "serve" && settings.length > 0 && program.serve) {
      const ports: number[] = [];
      for (const deflate of settings) ports.push(await program.serve(undefined, deflate));
      console.log(`listening ${ports.join(" ")}`);
      process.stdin.on("end", () => end(0)).resume();
    } else if (role === "connect" && settings.length > 0 && program.connect) {
      setTimeout(() => end(1, `Not done within ${WATCHDOG_MS} ms`), WATCHDOG_MS);
      for (const [i, url] of rest.slice(2).entries()) {
        console.log(JSON.stringify(await playMany(await program.connect(url, undefined, settings[i]))));
      }
      end(0);
    } else if (role === "serve" && (rest.length === 0 || rest.length === 3 && rest[0] === "--tls")) {
      if (!program.serve) return end(2, "This program is only a client");
      const [, cert, key] = rest;
      const identity = cert && key ? { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") } : undefined;
      console.log(`listening ${await program.serve(identity, undefined)}`);
      process.stdin.on("end", () => end(0)).resume();
    } else if (role === "connect" && (rest.length === 1 || rest.length === 3 && rest[1] === "--ca")) {
      if (!program.connect) return end(2, "This program is only a server");
      setTimeout(() => end(1, `Not done within ${WATCHDOG_MS} ms`), WATCHDOG_MS);
      const [url, , ca] = rest;
      console.log(JSON.stringify(await play(await program.connect(url!, ca && readFileSync(ca, "utf8"), undefined))));
      end(0);
    } else {
      end(2, "Usage: serve [--tls CERT.pem KEY.pem | --deflate JSON] | connect URL [--ca CA.pem] | …");
    }
  } catch (error) {
    end(1, error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  }
}

function end(code: number, complaint?: string): never {
  if (complaint !== undefined) console.error(complaint);
  process.exit(code);
}

async function play(client: Client): Promise<{ messages: number; closeCode: number }> {
  let messages = 0;
  const echo = (message: Message) => check(client, message, ++messages);
  for (const message of script) {
    await client.send(message);
    await echo(message);
  }
  const sent = Promise.all(script.map((message) => client.send(message)));
  for (const message of script) await echo(message);
  await sent;
  return { messages, closeCode: await client.close(1000, "done") };
}

async function playMany(client: Client): Promise<{ messages: number; closeCode: number; extensions: string }> {
  const messages = many(), sent = Promise.all(messages.map((message) => client.send(message)));
  for (const [i, message] of messages.entries()) await check(client, message, i + 1);
  await sent;
  const { extensions } = client;
  return { messages: messages.length, closeCode: await client.close(1000, "done"), extensions };
}

async function check(client: Client, message: Message, number: number): Promise<void> {
  const received = await client.next();
  if (same(received, message)) return;
  throw new Error(`Echo ${number} differs: sent ${tell(message)}, got ${tell(received)}`);
}

function same(a: Message, b: Message): boolean {
  return typeof a === "string" || typeof b === "string" ? a === b : Buffer.compare(a, b) === 0;
}

function tell(message: Message): string {
  return typeof message === "string" ? `text of ${message.length} code units` : `${message.length} bytes`;
}

/** What the WebSockets that follow the standard have in common (WHATWG WebSockets). */
export interface StandardSocket {
  binaryType: string;
  readonly extensions: string;
  send(message: Message): void;
  close(code: number, reason: string): void;
  addEventListener(type: string, listener: (event: Event) => void): void;
}

/** The client of a WebSocket that was made in this turn and follows the standard. */
export async function standardClient(socket: StandardSocket): Promise<Client> {
  socket.binaryType = "arraybuffer";
  const opened = Promise.withResolvers<void>(), closed = Promise.withResolvers<CloseEvent>();
  socket.addEventListener("open", () => opened.resolve());
  socket.addEventListener("error", (event) => {
    const { message, error } = event as ErrorEvent; // beyond the standard, and not everywhere
    opened.reject(new Error(`Cannot open the WebSocket: ${message || error?.message || "no reason given"}`));
  });
  const messages = new ReadableStream<Message>({
    start(controller) {
      socket.addEventListener("message", (event) => {
        const { data } = event as MessageEvent<string | ArrayBuffer>;
        controller.enqueue(typeof data === "string" ? data : new Uint8Array(data));
      });
      socket.addEventListener("close", (event) => {
        controller.close();
        closed.resolve(event as CloseEvent);
      });
    },
  }).getReader();
  await opened.promise;
  return {
    extensions: socket.extensions,
    send: (message) => socket.send(message),
    async next() {
      const { value, done } = await messages.read();
      if (!done) return value;
      const { code, reason } = await closed.promise;
      throw new Error(`The WebSocket was closed before the last echo: ${code} "${reason}"`);
    },
    async close(code, reason) {
      socket.close(code, reason);
      const event = await closed.promise;
      if (!event.wasClean) throw new Error(`The WebSocket was not closed cleanly: ${event.code} "${event.reason}"`);
      return event.code;
    },
  };
}
