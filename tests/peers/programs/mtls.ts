// A TLS server on Node that demands a certificate of its clients, and tells each by a message whose it got, and which name
// it was asked for. Started with: CERT.pem KEY.pem CLIENTS-CA.pem, and --http2 for HTTP/2. Prints `listening PORT`, ends when
// its stdin does.

import { readFileSync } from "node:fs";
import { createSecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { createServer, type TLSSocket } from "node:tls";
import { accept, type ByteConnection } from "../../../mod.ts";
import { fromHttp2, fromSocket } from "../../../src/node.ts";

const [cert, key, ca] = process.argv.slice(2, 5).map((file) => readFileSync(file, "utf8"));
const options = { cert, key, ca, requestCert: true, rejectUnauthorized: true };

async function tell(socket: TLSSocket, conn: ByteConnection): Promise<void> {
  const { subject } = socket.getPeerCertificate();
  const name = socket.servername;
  try {
    const accepted = await accept(conn);
    accepted.send(JSON.stringify({ client: subject.CN, name }));
    await accepted.receive(() => {});
  } catch (error) {
    console.error(error);
  }
}

const isHttp2 = process.argv[5] === "--http2";
const server = isHttp2
  ? createSecureServer({ ...options, settings: { enableConnectProtocol: true } })
    .on("stream", (...event) => void tell(event[0].session!.socket as TLSSocket, fromHttp2(...event)))
  : createServer(options, (socket) => void tell(socket, fromSocket(socket)));
server.on("tlsClientError", () => {}); // without a certificate a client gets no further
server.listen(0, "127.0.0.1", () => console.log(`listening ${(server.address() as AddressInfo).port}`));
process.stdin.on("end", () => process.exit(0)).resume();
