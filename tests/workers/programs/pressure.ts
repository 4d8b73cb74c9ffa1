// A Worker that waits for a word before it goes on, which comes over another connection, and tells over that how far it is.
// Its clients ask for the port of that one, and for what it is to do.

import { accept, type Accepted, connect, type Connected } from "../../../mod.ts";
import { chunkOf, COUNT } from "../chunks.ts";

/** By a name that nobody resolves but workerd. */
const { connect: dial } = await import("cloudflare:sockets" as string);

/** Stands still in the first message until the word comes, and then takes everything. */
async function take(socket: Accepted, told: Connected): Promise<void> {
  const word = told.readable.getReader().read();
  let count = 0, wrong = 0;
  await socket.receive(async (message) => {
    if (count === 0) {
      told.send("stands");
      await word;
    }
    const chunk = chunkOf(count++);
    if (!(message instanceof Uint8Array) || message.length !== chunk.length) return void wrong++;
    if (message.some((byte, i) => byte !== chunk[i])) wrong++;
  });
  await told.send(JSON.stringify({ count, wrong }));
}

/** Sends everything, and waits whenever it is to wait. */
async function give(socket: Accepted, told: Connected): Promise<void> {
  for (let i = 0; i < COUNT; i++) {
    const room = socket.send(chunkOf(i));
    told.send(JSON.stringify({ sent: i + 1, waits: room !== undefined, bufferedAmount: socket.bufferedAmount }));
    await room;
  }
  await socket.close();
}

export default {
  async connect(conn: Parameters<typeof accept>[0]): Promise<void> {
    const socket = await accept(conn);
    const { pathname, searchParams } = new URL(socket.request.url), port = Number(searchParams.get("port"));
    const told = await connect(`ws://127.0.0.1:${port}/`, {
      conn: dial({ hostname: "127.0.0.1", port }, { allowHalfOpen: true }),
    });
    await (pathname === "/take" ? take : give)(socket, told);
    await told.close();
  },
  fetch: () => new Response("here\n"),
};
