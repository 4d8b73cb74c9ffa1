// The runtime's own WebSocket, or that of the package undici: one message to the URL that is given and back, and a close; says what came of it.

import process from "node:process";

const [url, from] = process.argv.slice(2);
const Class = from === "undici" ? (await import("undici")).WebSocket as typeof WebSocket : WebSocket;
const socket = new Class(url!, ["chat"]);
socket.onopen = () => socket.send("Hello");
socket.onmessage = ({ data }) => {
  socket.onclose = ({ code, wasClean }) => {
    console.log(JSON.stringify([data, socket.protocol, code, wasClean]));
    process.exit(); // some keep the connection for the next one
  };
  socket.close(3000);
};
