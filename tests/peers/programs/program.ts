// What the programs in TypeScript have in common: the command line, the script and what is checked, for a WebSocket of
// any kind, on Deno, Bun and Node.
//
//   serve [--tls CERT.pem KEY.pem]  prints `listening PORT`, echoes every message, ends when its stdin does
//   connect URL [--ca CA.pem]       runs the script, closes, prints `{"messages":N,"closeCode":C}`
//
// The exit code is 0 when all went well, 1 when something did not, 2 when the program was called wrongly.

import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import process from "node:process";
import { type Message, script } from "./script.ts";

/** What a server proves itself with, both in PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** An open WebSocket of a client. */
export interface Client {
  /** Sends a message. It is not waited for, unless what is returned is awaited. */
  send(message: Message): void | Promise<void>;
  /** The next message that has not been taken yet. */
  next(): Promise<Message>;
  /** Closes, and returns the code of the peer's Close frame when the closing is complete. */
  close(code: number, reason: string): Promise<number>;
}

/** The roles a program has. */
export interface Program {
  /** Echoes on a free port of 127.0.0.1, which it returns; over TLS with an identity. */
  serve?(identity: Identity | undefined): number | Promise<number>;
  /** Opens a WebSocket. `ca` is the PEM of the authority to trust. */
  connect?(url: string, ca: string | undefined): Promise<Client>;
}

const WATCHDOG_MS = 60_000;

/** Does what the command line says. */
export async function run(program: Program): Promise<void> {
  const [role, ...rest] = process.argv.slice(2);
  try {
    if (role === "serve" && (rest.length === 0 || rest.length === 3 && rest[0] === "--tls")) {
      if (!program.serve) return end(2, "This program is only a client");
      const [, cert, key] = rest;
      const identity = cert && key ? { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") } : undefined;
      console.log(`listening ${await program.serve(identity)}`);
      process.stdin.on("end", () => end(0)).resume();
    } else if (role === "connect" && (rest.length === 1 || rest.length === 3 && rest[1] === "--ca")) {
      if (!program.connect) return end(2, "This program is only a server");
      setTimeout(() => end(1, `Not done within ${WATCHDOG_MS} ms`), WATCHDOG_MS);
      const [url, , ca] = rest;
      console.log(JSON.stringify(await play(await program.connect(url!, ca && readFileSync(ca, "utf8")))));
      end(0);
    } else {
      end(2, "Usage: serve [--tls CERT.pem KEY.pem] | connect URL [--ca CA.pem]");
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
  const echo = async (message: Message) => {
    const received = await client.next();
    messages++;
    if (same(received, message)) return;
    throw new Error(`Echo ${messages} differs: sent ${tell(message)}, got ${tell(received)}`);
  };
  for (const message of script) {
    await client.send(message);
    await echo(message);
  }
  const sent = Promise.all(script.map((message) => client.send(message)));
  for (const message of script) await echo(message);
  await sent;
  return { messages, closeCode: await client.close(1000, "done") };
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
