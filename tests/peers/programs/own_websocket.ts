// The runtime's own WebSocket: one message to the URL that is given and back, and a close; says what came of it.

import process from "node:process";

const socket = new WebSocket(process.argv[2]!, ["chat"]);
socket.onopen = () => socket.send("Hello");
socket.onmessage = ({ data }) => {
  socket.onclose = ({ code, wasClean }) => {
    console.log(JSON.stringify([data, socket.protocol, code, wasClean]));
    process.exit(); // some keep the connection for the next one
  };
  socket.close(3000);
};
