"""The Python library wsproto, which does no I/O, over the streams of asyncio: client and server."""

import asyncio
from urllib.parse import urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Message,
    Ping,
    Request,
    TextMessage,
)

from program import run


class Closed(Exception):
    """Has the CloseConnection that came instead of a message."""

    def __init__(self, event):
        super().__init__(event)
        self.event = event


class Socket:
    def __init__(self, kind, reader, writer):
        self.protocol = WSConnection(kind)
        self.reader = reader
        self.writer = writer
        self.events = self.read_events()

    async def read_events(self):
        """What the peer says, for the caller to answer, except for its Pings."""
        while True:
            for event in self.protocol.events():
                if isinstance(event, Ping):
                    await self.say(event.response())
                else:
                    yield event
            self.protocol.receive_data(await self.reader.read(65_536) or None)

    async def say(self, event):
        self.writer.write(self.protocol.send(event))
        await self.writer.drain()

    async def send(self, message):
        await self.say(TextMessage(message) if isinstance(message, str) else BytesMessage(message))

    async def receive(self):
        parts = []
        async for event in self.events:
            if isinstance(event, CloseConnection):
                raise Closed(event)
            if isinstance(event, Message):
                parts.append(event.data)
                if event.message_finished:
                    return ("" if isinstance(event, TextMessage) else b"").join(parts)

    async def close(self, code, reason):
        await self.say(CloseConnection(code, reason))
        try:
            message = await self.receive()
            raise ValueError(f"After the last echo came a message of {len(message)}")
        except Closed as closed:
            event = closed.event
        if event.code == 1006:
            raise ConnectionError("The peer sent no Close frame")
        # The server is the one to close the TCP connection first (RFC 6455 §7.1.1)
        while await self.reader.read(65_536):
            pass
        self.writer.close()
        return event.code


async def echo(reader, writer):
    socket = Socket(ConnectionType.SERVER, reader, writer)
    try:
        async for event in socket.events:
            if isinstance(event, Request):
                await socket.say(AcceptConnection())
                break
        while True:
            await socket.send(await socket.receive())
    except Closed as closed:
        if socket.protocol.state is not ConnectionState.CLOSED:
            await socket.say(closed.event.response())
    finally:
        writer.close()


async def serve(context):
    server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=context)
    serve.server = server  # which would stop listening if nothing held it
    return server.sockets[0].getsockname()[1]


async def connect(url, context):
    parts = urlsplit(url)
    port = parts.port or (443 if context else 80)
    socket = Socket(ConnectionType.CLIENT, *await asyncio.open_connection(parts.hostname, port, ssl=context))
    await socket.say(Request(host=parts.netloc, target=parts.path or "/"))
    event = await anext(socket.events)
    if not isinstance(event, AcceptConnection):
        raise ConnectionError(f"The peer did not accept: {event!r}")
    return socket


run(serve, connect)
