// Clients of the servers of rooms.ts: members that come and go, each back with the number that it has seen last, and
// publishers that send again, with the same id, what was not acknowledged. They know the servers by a list of ports, which
// changes while servers are killed and started.

import { connect, type WebSocketConnection } from "../../mod.ts";
import type { Ledger, Published } from "./rooms_ledger.ts";

/** The ports of the servers; `undefined` while one is down. */
export type Ports = readonly (number | undefined)[];

/** What clients share. */
export interface World {
  readonly ports: Ports;
  /** A whole number at random. */
  readonly random: () => number;
  /** Drops every connection. */
  readonly signal: AbortSignal;
  readonly gate: Gate;
}

/** How far publishers may go: load must not be over before there was what it is for. */
export class Gate {
  #share = 0;
  readonly #waiting = new Set<() => void>();

  /** How many of so many messages may be published by now. */
  of(count: number): number {
    return Math.ceil(count * this.#share);
  }

  /** Opens it for this share of all messages, at most 1. */
  open(share: number): void {
    this.#share = share;
    for (const wake of this.#waiting) wake();
  }

  /** Has a function called whenever it is opened, while another one runs. */
  async watch(wake: () => void, run: () => Promise<unknown>): Promise<void> {
    this.#waiting.add(wake);
    try {
      await run();
    } finally {
      this.#waiting.delete(wake);
    }
  }
}

/** How a server answers a publisher: the number of the message, or why there is none. */
export type Receipt =
  | { readonly id: string; readonly number: number }
  | { readonly id: string; readonly error: string };

/** What a publisher sends. */
export interface Order {
  readonly room: string;
  readonly id: string;
  readonly message: string;
}

/** What a member gets. */
type Delivery =
  | { readonly number: number; readonly message: string; readonly gap?: undefined }
  | { readonly gap: object };

/** So long a client waits before it tries another server, so that it does not spin while none is there. */
const PAUSE = 20;

/** Connects to one of the servers that are there, and uses the connection until it has ended, however it does. */
async function visit(world: World, path: string, use: (socket: WebSocketConnection) => Promise<unknown>) {
  const ports = world.ports.filter((port) => port !== undefined);
  try {
    const port = ports[world.random() % ports.length];
    const socket = await connect(`ws://127.0.0.1:${port}${path}`, { signal: world.signal });
    const drop = () => socket.abort();
    world.signal.addEventListener("abort", drop);
    try {
      await use(socket);
    } finally {
      world.signal.removeEventListener("abort", drop);
      socket.abort();
    }
  } catch {
    await new Promise((resolve) => setTimeout(resolve, PAUSE)); // the server was killed, or there is none
  }
}

/** A member of a room. */
export class Member {
  readonly #world: World;
  readonly #room: string;
  readonly #ledger: Ledger;
  #last = 0;
  /** How many messages of the room it has got or missed. */
  place = 0;
  visits = 0;

  constructor(world: World, room: string, ledger: Ledger) {
    this.#world = world;
    this.#room = room;
    this.#ledger = ledger;
  }

  /** Comes and goes until it has got so many messages, or the world ends. */
  async run(count: number): Promise<void> {
    while (this.place < count && !this.#world.signal.aborted) {
      this.visits++;
      await visit(this.#world, `/member?room=${this.#room}&after=${this.#last}`, (socket) => this.#stay(socket, count));
    }
  }

  /** Stays for some messages, of which it may be told on many visits; then it leaves, politely or not. */
  async #stay(socket: WebSocketConnection, count: number): Promise<void> {
    const { random } = this.#world,
      until = this.place + 1 + random() % Math.ceil(count / 4),
      isPolite = random() % 2 > 0;
    await socket.receive((message) => {
      if (socket.state === "closed") return;
      this.#see(JSON.parse(message as string));
      if (this.place < until && this.place < count || socket.state !== "open") return;
      if (isPolite) socket.close({ closeCode: 1000 });
      else socket.abort();
    });
  }

  #see(delivery: Delivery): void {
    if (delivery.gap !== undefined) return void this.#ledger.wrongs.gaps++;
    const { number, message } = delivery, [publisher = -1, sequence = -1] = message.split(" ").map(Number);
    this.place = this.#ledger.see(this.place, number, { publisher, sequence });
    this.#last = Math.max(this.#last, number);
  }
}

/** How many messages of a publisher may wait for their receipts. */
const WINDOW = 16;

/** A publisher in a room. */
export class Publisher {
  readonly #world: World;
  readonly #room: string;
  readonly #ledger: Ledger;
  readonly #index: number;
  /** All before this one are acknowledged. */
  #acknowledged = 0;
  /** How often a message was sent again. */
  retries = 0;

  constructor(world: World, room: string, ledger: Ledger, index: number) {
    this.#world = world;
    this.#room = room;
    this.#ledger = ledger;
    this.#index = index;
  }

  /** Publishes so many messages. */
  async run(count: number): Promise<void> {
    const { signal, gate } = this.#world;
    let sent = 0;
    while (this.#acknowledged < count && !signal.aborted) {
      await visit(this.#world, "/publisher", async (socket) => {
        this.retries += sent - this.#acknowledged;
        let next = this.#acknowledged;
        const send = () => {
          const end = Math.min(gate.of(count), this.#acknowledged + WINDOW);
          for (; next < end && socket.state === "open"; next++) socket.send(this.#order(next));
          sent = Math.max(sent, next);
        };
        const onReceipt = (receipt: Receipt) => {
          // Behind a refusal nothing may come, or messages would change places
          if ("error" in receipt) return socket.abort();
          const sequence = Number(receipt.id.split("-")[1]);
          this.#ledger.acknowledge(this.#published(sequence), receipt.number);
          this.#acknowledged = Math.max(this.#acknowledged, sequence + 1);
          if (this.#acknowledged === count) socket.abort();
          else send();
        };
        send();
        await gate.watch(send, () => socket.receive((message) => onReceipt(JSON.parse(message as string))));
      });
    }
  }

  #published(sequence: number): Published {
    return { publisher: this.#index, sequence };
  }

  #order(sequence: number): string {
    const order: Order = { room: this.#room, id: `${this.#index}-${sequence}`, message: `${this.#index} ${sequence}` };
    return JSON.stringify(order);
  }
}
