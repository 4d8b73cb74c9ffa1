"""What the programs in Python have in common: the command line, the script and what is checked, as in program.ts."""

import argparse
import asyncio
import json
import os
import ssl
import sys
import threading

WATCHDOG_SECONDS = 60


def script():
    """The messages of script.ts: text is str, binary is bytes."""
    for size in (0, 1, 125, 126, 127, 65_535, 65_536, 1_048_576):
        yield bytes((i * 31 + size) & 0xFF for i in range(size))
    for count in (0, 1, 100, 70_000):
        yield "grüße 👋 " * count


def run(serve, connect):
    """Does what the command line says.

    serve(context) echoes on a free port of 127.0.0.1, which it returns; over TLS with a context.
    connect(url, context) opens a WebSocket and returns it, with the coroutines send(message), receive() and
    close(code, reason), which returns the code of the peer's Close frame when the closing is complete.
    """
    parser = argparse.ArgumentParser()
    roles = parser.add_subparsers(dest="role", required=True)
    roles.add_parser("serve").add_argument("--tls", nargs=2, metavar=("CERT.pem", "KEY.pem"))
    client = roles.add_parser("connect")
    client.add_argument("url")
    client.add_argument("--ca", metavar="CA.pem")
    arguments = parser.parse_args()
    if arguments.role == "serve":
        asyncio.run(finish(listen(serve, arguments.tls)))
    else:
        watchdog = threading.Timer(WATCHDOG_SECONDS, end, [1, f"Not done within {WATCHDOG_SECONDS} s"])
        watchdog.daemon = True
        watchdog.start()
        asyncio.run(finish(play(connect, arguments.url, arguments.ca)))


async def finish(role):
    """Ends the process with the role: to leave asyncio in its own way would wait for whatever is still open."""
    try:
        await role
    except Exception as error:
        end(1, f"{type(error).__name__}: {error}")
    end(0)


def end(code, complaint=None):
    """Ends the process from whatever thread, whatever is still open."""
    if complaint is not None:
        print(complaint, file=sys.stderr, flush=True)
    os._exit(code)


async def listen(serve, tls):
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
    print(f"listening {await serve(context)}", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)


async def play(connect, url, ca):
    context = ssl.create_default_context(cafile=ca) if url.startswith("wss:") else None
    socket = await connect(url, context)
    messages = list(script())
    count = 0

    async def echo(message):
        nonlocal count
        received = await socket.receive()
        count += 1
        if type(received) is not type(message) or received != message:
            raise ValueError(f"Echo {count} differs: sent {tell(message)}, got {tell(received)}")

    async def send_all():
        for message in messages:
            await socket.send(message)

    for message in messages:
        await socket.send(message)
        await echo(message)
    sending = asyncio.create_task(send_all())
    for message in messages:
        await echo(message)
    await sending
    result = {"messages": count, "closeCode": await socket.close(1000, "done")}
    print(json.dumps(result, separators=(",", ":")), flush=True)


def tell(message):
    return f"{type(message).__name__} of {len(message)}"
