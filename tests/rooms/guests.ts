// Members for tests of rooms: clients over real sockets, which keep what they get.

import { connect, type Connected, serve, type Server, type WebSocketConnection } from "../../mod.ts";
import type { RoomEvent } from "../../src/rooms/event.ts";
import { Rooms } from "../../src/rooms/rooms.ts";
import type { RoomsOptions } from "../../src/rooms/rooms_options.ts";

/** What rooms have told. */
export interface ToldError {
  readonly message: string;
  readonly kind: string;
  readonly room: string | undefined;
}

/** Rooms, and a server whose clients join the room that their path names, behind the number that they bring. */
export class House implements AsyncDisposable {
  readonly rooms: Rooms;
  readonly told: (ToldError | "recovered")[] = [];
  /** The sockets of members, in the order in which they came. */
  readonly sockets: WebSocketConnection[] = [];
  #server: Server | undefined;

  constructor(options: RoomsOptions = {}) {
    this.rooms = new Rooms({
      onError: (error, { kind, room }) => void this.told.push({ message: (error as Error).message, kind, room }),
      onRecovery: () => void this.told.push("recovered"),
      ...options,
    });
  }

  async open(): Promise<this> {
    this.#server = await serve({ port: 0 }, {
      socket: async (socket) => {
        const { pathname, searchParams } = new URL(socket.request.url), after = searchParams.get("after");
        this.sockets.push(socket);
        await this.rooms.join(
          decodeURIComponent(pathname.slice(1)),
          socket,
          after === null ? {} : { after: Number(after) },
        );
        socket.send("joined");
      },
    });
    return this;
  }

  /** The URL of the room without a name. */
  get url(): string {
    return this.#server!.url!;
  }

  /** A new member of a room. */
  async enter(room: string, after?: number): Promise<Guest> {
    const query = after === undefined ? "" : `?after=${after}`;
    return new Guest(await connect(`${this.url}${encodeURIComponent(room)}${query}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rooms.close();
    for (const socket of this.sockets) socket.abort();
    await this.#server?.shutdown();
  }
}

/** A client, and what it has got. */
export class Guest implements AsyncDisposable {
  readonly socket: Connected;
  readonly events: RoomEvent[] = [];
  /** Resolves once the server has it as a member. */
  readonly joined: Promise<void>;
  /** Resolves when the connection is over. */
  readonly gone: Promise<void>;
  #wakers: (() => void)[] = [];

  constructor(socket: Connected) {
    this.socket = socket;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.joined = promise;
    const done = () => resolve();
    this.gone = socket.receive((message) => {
      if (message === "joined") return resolve();
      this.events.push(JSON.parse(message as string));
      for (const wake of this.#wakers.splice(0)) wake();
    }).then(done, done);
  }

  get messages(): unknown[] {
    return this.events.map(({ message }) => message);
  }

  get numbers(): number[] {
    return this.events.flatMap(({ number }) => number ?? []);
  }

  /** Waits until it has got so many events. */
  async until(count: number): Promise<this> {
    while (this.events.length < count) await new Promise<void>((resolve) => this.#wakers.push(resolve));
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.abort();
    await this.gone;
  }
}
