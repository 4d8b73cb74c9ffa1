// A server with so many WebSockets, and their clients: the members of groups. Real sockets, in the order of connecting.

import {
  type Accepted,
  connect,
  type Connected,
  type ConnectOptions,
  serve,
  type ServeOptions,
  type Server,
} from "../../mod.ts";

/** A server, and both ends of its connections. */
export class Members implements AsyncDisposable {
  readonly server: Server;
  readonly accepted: readonly Accepted[];
  readonly clients: readonly Connected[];

  private constructor(server: Server, accepted: readonly Accepted[], clients: readonly Connected[]) {
    this.server = server;
    this.accepted = accepted;
    this.clients = clients;
  }

  /** Connects so many clients, one after the other; the options of each may differ. */
  static async open(
    count: number,
    serving: ServeOptions = {},
    connecting: (i: number) => ConnectOptions = () => ({}),
  ): Promise<Members> {
    const accepted: Accepted[] = [], clients: Connected[] = [];
    let opened = () => {};
    const server = await serve({ port: 0, ...serving }, (socket) => {
      accepted.push(socket);
      opened();
    });
    for (let i = 0; i < count; i++) {
      const open = new Promise<void>((resolve) => opened = resolve);
      clients.push(await connect(server.url!, connecting(i)));
      await open;
    }
    return new Members(server, accepted, clients);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of [...this.clients, ...this.accepted]) socket.abort();
    await this.server.shutdown();
  }
}
