// A server as it is deployed: it stops when it is told to, and then its process ends by itself.

import process from "node:process";
import { serve } from "../../mod.ts";

const [within, spread] = process.argv.slice(2).map(Number);
const server = await serve({ port: 0 }, (socket) => socket.receive((message) => socket.send(message)));
process.once("SIGTERM", () => server.shutdown({ within, spread }));
console.log(server.url);
await server.finished;
