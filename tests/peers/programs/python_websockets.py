"""The Python library websockets: client and server."""

import websockets

from program import run

LIMITS = {"compression": None, "max_size": 1 << 24}


async def echo(socket):
    async for message in socket:
        await socket.send(message)


async def serve(context):
    server = await websockets.serve(echo, "127.0.0.1", 0, ssl=context, **LIMITS)
    return server.sockets[0].getsockname()[1]


class Client:
    def __init__(self, socket):
        self.socket = socket
        self.send = socket.send
        self.receive = socket.recv

    async def close(self, code, reason):
        await self.socket.close(code, reason)
        if self.socket.close_code == 1006:
            raise ConnectionError("The peer sent no Close frame")
        return self.socket.close_code


async def connect(url, context):
    return Client(await websockets.connect(url, ssl=context, **LIMITS))


run(serve, connect)
