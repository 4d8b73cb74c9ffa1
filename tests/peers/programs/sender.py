"""As sender.ts, with clients of Python: a POST by http.client, a message by the library websockets."""

import asyncio
import http.client
import json
import sys


def post(port, size):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        connection.request("POST", "/", bytes(size))
        return connection.getresponse().status
    finally:
        connection.close()


def message(port, size):
    import websockets

    async def run():
        async with websockets.connect(f"ws://127.0.0.1:{port}/", compression=None) as socket:
            try:
                await socket.send(bytes(size))
                await socket.wait_closed()
            except websockets.ConnectionClosed:
                pass
            return socket.close_code

    return asyncio.run(run())


kind, port, size, tries = sys.argv[1:]
told = []
for _ in range(int(tries)):
    try:
        told.append({"http.client": post, "websockets": message}[kind](int(port), int(size)))
    except Exception as error:
        told.append(repr(error))
print(json.dumps(told))
