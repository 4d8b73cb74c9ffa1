"""The Python library websockets: client and server."""

import websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory

from program import run

def options(factory, deflate):
    extensions = {} if deflate is None else {"extensions": [factory(**deflate)]}
    return {"compression": None, "max_size": 1 << 24, **extensions}


async def echo(socket):
    async for message in socket:
        await socket.send(message)


async def serve(context, deflate=None):
    server = await websockets.serve(
        echo, "127.0.0.1", 0, ssl=context, **options(ServerPerMessageDeflateFactory, deflate)
    )
    return server.sockets[0].getsockname()[1]


class Client:
    def __init__(self, socket):
        self.socket = socket
        self.send = socket.send
        self.receive = socket.recv
        self.extensions = socket.response_headers.get("Sec-WebSocket-Extensions", "")

    async def close(self, code, reason):
        await self.socket.close(code, reason)
        if self.socket.close_code == 1006:
            raise ConnectionError("The peer sent no Close frame")
        return self.socket.close_code


async def connect(url, context, deflate=None):
    return Client(await websockets.connect(url, ssl=context, **options(ClientPerMessageDeflateFactory, deflate)))


run(serve, connect)
