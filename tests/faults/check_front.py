"""Thousands of slow, silent and hostile connections beside a client that only wants its pictures."""

import asyncio
import random
import time
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from tests.conftest import run_server
from tests.raw_http import parse_answers, resident_bytes, send

CROWD = 2500
MOST_CONNECTIONS = 2000
SECONDS = 20


@pytest.fixture(scope="module")
def crowded(tiny_store, tmp_path_factory):
    """A server with short limits, for a crowd."""
    flags = f"--default-model grey --keep-alive-s 3 --max-connections {MOST_CONNECTIONS}"
    flags += " --head-timeout-s 3 --body-timeout-s 3 --write-timeout-s 3"
    with run_server(tiny_store, tmp_path_factory.mktemp("crowded"), *flags.split()) as server:
        yield server


async def silent(reader, writer):
    await reader.read()


async def half_head(reader, writer):
    writer.write(b"GET / HTTP/1.1\r\n")
    while True:
        writer.write(b"X: a\r\n")
        await asyncio.sleep(0.5)
        if reader.at_eof():
            return


async def half_body(reader, writer):
    writer.write(b"POST /generate HTTP/1.1\r\nContent-Length: 100000\r\n\r\n{")
    while not reader.at_eof():
        writer.write(b" ")
        await asyncio.sleep(0.5)


async def idle(reader, writer):
    writer.write(b"GET /livez HTTP/1.1\r\n\r\n")
    await reader.read()


async def large_body(reader, writer):
    writer.write(b"POST /generate HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n" + b" " * 2_000_000)
    await reader.read()


async def unread(reader, writer):
    order = b'{"count": 1024, "format": "npy", "scale": 8}'
    writer.write(b"POST /generate HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(order) + order)
    await asyncio.sleep(6)


async def trailer(reader, writer):
    writer.write(b"POST /generate HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n")
    while not reader.at_eof():
        writer.write(b"X: a\r\n")
        await asyncio.sleep(0.5)


async def leave(reader, writer):
    writer.write(b"POST /generate HTTP/1.1\r\nContent-Length: 20\r\n\r\n{")


async def ask(url, path=b"/generate", body=b'{"count": 1}'):
    """The status of an answer to another address than the crowd's: of the queue it has a share of its own."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(
        address.hostname, address.port, local_addr=("127.0.0.2", 0)
    )
    writer.write(
        b"POST " + path + b" HTTP/1.1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )
    received = await reader.read()
    writer.close()
    await writer.wait_closed()
    [answer] = parse_answers(received)
    return answer.status


@pytest.mark.parametrize(
    "behaviour", [silent, half_head, half_body, idle, large_body, unread, trailer, leave, None]
)
def test_a_client_is_served_beside_a_crowd_and_memory_comes_back(crowded, behaviour):
    kinds = [behaviour] if behaviour else [silent, half_head, half_body, idle, trailer, leave]
    address, chance = urlsplit(crowded.url), random.Random(1)  # noqa: S311 # the same each time
    count = 40 if behaviour in (unread, large_body) else CROWD

    async def one():
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            try:
                await asyncio.wait_for(chance.choice(kinds)(reader, writer), SECONDS)
            except (OSError, TimeoutError):
                pass
            finally:
                writer.transport.abort()
                with suppress(OSError):
                    await writer.wait_closed()

    async def run():
        crowd = []
        for _ in range(count):
            crowd.append(asyncio.create_task(one()))
            await asyncio.sleep(0.001)
        statuses = [await asyncio.wait_for(ask(crowded.url), 30) for _ in range(40)]
        for task in crowd:
            task.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)
        return statuses

    statuses = asyncio.run(run())
    assert statuses.count(200) >= 38
    assert set(statuses) <= {200, 503}
    deadline = time.monotonic() + 60
    while resident_bytes(crowded.process.pid) > 600 * 2**20:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert "Traceback" not in crowded.log.read_text()


def test_random_bytes_are_answered_or_hung_up_on_and_never_a_fault(crowded):
    chance = random.Random(2)  # noqa: S311 # the same each time
    whole = (
        b'POST /generate HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{"count": 1}'
    )
    for _ in range(200):
        wrong = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            place = chance.randrange(len(wrong))
            match chance.randrange(3):
                case 0:
                    wrong[place] = chance.randrange(256)
                case 1:
                    del wrong[place : place + chance.randint(1, 8)]
                case _:
                    wrong[place:place] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 8)))
        for answer in send(crowded.url, bytes(wrong) + b"\r\n\r\n"):
            assert answer.status < 500 or answer.status in (501, 503)
    log = crowded.log.read_text()
    assert "Traceback" not in log
    assert all(line.isprintable() for line in log.splitlines())
