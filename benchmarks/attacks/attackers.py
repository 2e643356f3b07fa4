"""Those who attack, each in a process of its own: `python -m benchmarks.attacks.attackers NAME URL`.

They run until they are ended, at a low priority: on a server's own machine they would take its cores.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import urlsplit

Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int], Awaitable[None]]

_LARGEST_BYTES = 6 * 2**20 - 300
_WRONG = b'{"labels": [' + b",".join([b"{}"] * (_LARGEST_BYTES // 3)) + b"]}"
_FIELDS = b"X-Field: " + b"a" * 80 + b"\r\n"
_LEAVE_AFTER_S = 0.02
_REST_S = 60.0


def _order(path: bytes, body: bytes) -> bytes:
    return b"POST %b HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % (path, len(body)) + body


async def _send_wrong_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: int) -> None:
    writer.write(_order(b"/generate", _WRONG))
    await writer.drain()
    await reader.readuntil(b"\r\n\r\n")


async def _send_huge_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: int) -> None:
    writer.write(b"GET /livez HTTP/1.1\r\n")
    for _ in range(3000):
        writer.write(_FIELDS * 90)
        await writer.drain()
    await reader.read()


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
    if number % 2:
        writer.write(b"POST /generate HTTP/1.1\r\nHost: here\r\n")  # half a head
    await reader.read()


async def _leave_unread(_: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
    writer.write(_order(b"/generate", json.dumps({"seed": number, "count": 256, "format": "npy"}).encode()))
    await asyncio.sleep(_REST_S)


async def _walk_large(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
    order = {"seeds": [number, number + 1], "frames": 8, "scale": 64, "format": "mp4"}
    writer.write(_order(b"/latent-walk", json.dumps(order).encode()))
    await reader.readuntil(b"\r\n\r\n")


async def _hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
    if number % 2:
        writer.write(_order(b"/generate", json.dumps({"seed": number, "count": 64}).encode()))
    else:
        writer.write(_order(b"/latent-walk", json.dumps({"seeds": [number, 1], "format": "mp4"}).encode()))
    await asyncio.sleep(_LEAVE_AFTER_S)


ATTACKS: dict[str, tuple[Speak, int, str]] = {
    "large wrong bodies": (_send_wrong_body, 4, "4 connections send 6 MB of wrong labels, again and again"),
    "huge heads": (_send_huge_head, 4, "4 connections send 24 MB of header fields, again and again"),
    "silent connections": (_say_nothing, 1000, "1,000 connections say nothing, or half a head"),
    "unread answers": (_leave_unread, 100, "100 connections ask for 256 images each and read nothing"),
    "walks at scale 64": (_walk_large, 16, "16 connections ask for walks of 8 frames at scale 64"),
    "hang-ups": (_hang_up, 16, "16 clients ask for 64 images or a walk and leave after 20 ms"),
}
"""What each connection does, how many there are at a time, and in words."""


async def attack(name: str, url: str) -> None:
    """Attack until cancelled."""
    speak, connections, _ = ATTACKS[name]
    address = urlsplit(url)

    async def repeat(first: int) -> None:
        number = first
        while True:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                # A small buffer: what is not read stays the server's.
                reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=4096)
                try:
                    await speak(reader, writer, number)
                finally:
                    writer.transport.abort()
            number += connections
            await asyncio.sleep(0.005)

    await asyncio.gather(*(repeat(first) for first in range(connections)))


if __name__ == "__main__":
    os.nice(15)
    asyncio.run(attack(sys.argv[1], sys.argv[2]))
