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


def many():
    """The many messages of script.ts."""
    state = 1

    def random():
        nonlocal state
        state = state * 1103515245 + 12345 & 0x7FFFFFFF
        return state >> 16

    words = []
    for i in range(400):
        word = "".join(chr(97 + random() % 26) for _ in range(2 + random() % 8))
        words.append(word + "ß👋" if i % 7 == 0 else word)
    for i in range(1000):
        if i % 10 == 9:
            yield bytes(random() & 0xFF for _ in range(random() % 600))
            continue
        is_long = random() % 8 == 0
        text = "".join(words[random() % len(words)] + " " for _ in range(random() % (1500 if is_long else 40)))
        yield text.encode() if i % 3 == 2 else text


def parameters(settings):
    """The settings of the command line, by the names that parameters have on the wire."""
    names = {
        "serverMaxWindowBits": "server_max_window_bits",
        "clientMaxWindowBits": "client_max_window_bits",
        "serverNoContextTakeover": "server_no_context_takeover",
        "clientNoContextTakeover": "client_no_context_takeover",
    }
    return [{names[name]: value for name, value in each.items()} for each in json.loads(settings)]


def run(serve, connect):
    """Does what the command line says.

    serve(context) echoes on a free port of 127.0.0.1, which it returns; over TLS with a context.
    connect(url, context) opens a WebSocket and returns it, with the coroutines send(message), receive() and
    close(code, reason), which returns the code of the peer's Close frame when the closing is complete.
    Where compression is asked for, both take the parameters as well, and the WebSocket has its `extensions`.
    """
    parser = argparse.ArgumentParser()
    roles = parser.add_subparsers(dest="role", required=True)
    server = roles.add_parser("serve")
    server.add_argument("--tls", nargs=2, metavar=("CERT.pem", "KEY.pem"))
    server.add_argument("--deflate", type=parameters, metavar="JSON")
    client = roles.add_parser("connect")
    client.add_argument("url", nargs="+")
    client.add_argument("--ca", metavar="CA.pem")
    client.add_argument("--deflate", type=parameters, metavar="JSON")
    arguments = parser.parse_args()
    if arguments.role == "serve":
        asyncio.run(finish(listen(serve, arguments.tls, arguments.deflate)))
    else:
        watchdog = threading.Timer(WATCHDOG_SECONDS, end, [1, f"Not done within {WATCHDOG_SECONDS} s"])
        watchdog.daemon = True
        watchdog.start()
        if arguments.deflate:
            asyncio.run(finish(play_many(connect, arguments.url, arguments.deflate)))
        else:
            asyncio.run(finish(play(connect, arguments.url[0], arguments.ca)))


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


async def listen(serve, tls, deflate):
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
    ports = [await serve(context, each) for each in deflate] if deflate else [await serve(context)]
    print("listening", *ports, flush=True)
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


async def play_many(connect, urls, deflate):
    messages = list(many())
    for url, each in zip(urls, deflate):
        socket = await connect(url, None, each)

        async def send_all():
            for message in messages:
                await socket.send(message)

        sending = asyncio.create_task(send_all())
        for count, message in enumerate(messages, 1):
            received = await socket.receive()
            if type(received) is not type(message) or received != message:
                raise ValueError(f"Echo {count} differs: sent {tell(message)}, got {tell(received)}")
        await sending
        extensions = socket.extensions
        code = await socket.close(1000, "done")
        result = {"messages": len(messages), "closeCode": code, "extensions": extensions}
        print(json.dumps(result, separators=(",", ":")), flush=True)


def tell(message):
    return f"{type(message).__name__} of {len(message)}"
