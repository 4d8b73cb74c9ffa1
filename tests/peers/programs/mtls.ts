// A TLS server on Node that demands a certificate of its clients, and tells each by a message whose it got, and which name
// it was asked for. Started with: CERT.pem KEY.pem CLIENTS-CA.pem. Prints `listening PORT`, ends when its stdin does.

import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { createServer } from "node:tls";
import { accept } from "../../../mod.ts";
import { fromSocket } from "../../../src/node.ts";

const [cert, key, ca] = process.argv.slice(2).map((file) => readFileSync(file, "utf8"));
const options = { cert, key, ca, requestCert: true, rejectUnauthorized: true };

const server = createServer(options, async (socket) => {
  const { subject } = socket.getPeerCertificate();
  const name = socket.servername;
  try {
    const accepted = await accept(fromSocket(socket));
    accepted.send(JSON.stringify({ client: subject.CN, name }));
    await accepted.receive(() => {});
  } catch (error) {
    console.error(error);
  }
});
server.on("tlsClientError", () => {}); // without a certificate a client gets no further
server.listen(0, "127.0.0.1", () => console.log(`listening ${(server.address() as AddressInfo).port}`));
process.stdin.on("end", () => process.exit(0)).resume();
