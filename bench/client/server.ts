// The server of this bench: an echo by serve().

import { serve } from "../../mod.ts";

const server = await serve({ port: 0 }, (socket) => socket.receive((message) => socket.send(message)));
console.log(`listening ${new URL(server.url!).port}`);
