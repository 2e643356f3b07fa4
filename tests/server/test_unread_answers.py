"""Who reads is told by what his machine has confirmed, not by what the system here has taken."""

import asyncio
import socket
import struct
import sys
from itertools import pairwise
from typing import NamedTuple, cast

import pytest

from service.server.unread_answers import UnreadAnswer
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system does not say")

LIMIT_S = 30.0
PIECE = bytes(1000)


async def connect_both(receive_bytes: int = 4096) -> tuple[asyncio.Transport, socket.socket]:
    """A transport, and the client at its other end, who takes little unread."""
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    client.connect(listener.getsockname())
    accepted, _ = listener.accept()
    listener.close()
    client.setblocking(False)
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=accepted)
    return transport, client


def watch(*, reads: bool, under_way: bool = True, pieces: int = 200) -> list[bool]:
    """Whether the client was taken to be stuck, second by second, while a piece was sent in each."""

    async def scenario() -> list[bool]:
        transport, client = await connect_both()
        loop, unread, stuck = asyncio.get_running_loop(), UnreadAnswer(), []
        for second in range(pieces):
            transport.write(PIECE)
            if reads:
                async with asyncio.timeout(PATIENCE_S):
                    left = len(PIECE)
                    while left:
                        left -= len(await loop.sock_recv(client, left))
            stuck.append(unread.is_stuck(transport, float(second), LIMIT_S, under_way=under_way))
        assert transport.get_write_buffer_size() == 0  # the system here has taken all
        transport.abort()
        client.close()
        return stuck

    return asyncio.run(scenario())


def test_who_reads_nothing_of_an_answer_under_way_is_stuck_though_the_system_goes_on_taking_it():
    stuck = watch(reads=False)
    assert not any(stuck[: int(LIMIT_S)])
    assert stuck[-1]


def test_who_reads_an_answer_of_small_pieces_is_never_stuck():
    assert not any(watch(reads=True))


def test_a_whole_answer_that_lies_with_the_system_may_be_read_at_any_time():
    assert not any(watch(reads=False, under_way=False))


BUFFER_BYTES = 200_000
"""Of which Linux confirms a part at once, and then nothing until a good part of it is free."""

STEADY_BYTES = 2**14


class Read(NamedTuple):
    """A second of an answer: all bytes that were confirmed by then, and whether the client was stuck."""

    confirmed: int
    stuck: bool


def watch_large(bytes_a_second: int, *, limit_s: float, stop_after_s: int = 10**9) -> list[Read]:
    """Read an answer of megabytes through a large receive buffer, so much in each second of a clock of ours.

    Until it is whole, or the client, who reads no more after `stop_after_s`, is stuck.
    """

    async def scenario() -> list[Read]:
        transport, client = await connect_both(BUFFER_BYTES)
        loop, unread, seconds, size = asyncio.get_running_loop(), UnreadAnswer(), [], 20 * BUFFER_BYTES
        transport.write(bytes(size))
        received = 0
        while received < size and not (seconds and seconds[-1].stuck):
            second = len(seconds)
            left = min(bytes_a_second, size - received) if second < stop_after_s else 0
            async with asyncio.timeout(PATIENCE_S):
                while left:
                    piece = len(await loop.sock_recv(client, left))
                    received, left = received + piece, left - piece
            await asyncio.sleep(0)  # the transport writes
            stuck = unread.is_stuck(transport, float(second), limit_s, under_way=True)
            told = transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 128)
            seconds.append(Read(struct.unpack_from("@Q", told, 120)[0], stuck))
        transport.abort()
        client.close()
        return seconds

    return asyncio.run(scenario())


def test_who_reads_steadily_behind_a_large_buffer_is_never_stuck_though_it_confirms_in_bursts():
    limit_s = 0.5
    seconds = watch_large(2 * STEADY_BYTES, limit_s=limit_s)
    gaps = [before.confirmed == after.confirmed for before, after in pairwise(seconds)]
    assert any(gaps), "nothing was confirmed in some seconds: by the time limit alone he would be stuck"
    assert not any(second.stuck for second in seconds)


def test_who_stops_reading_is_stuck_when_what_was_confirmed_has_paid_its_time():
    limit_s, stop_after_s = 5.0, 10
    seconds = watch_large(2 * STEADY_BYTES, limit_s=limit_s, stop_after_s=stop_after_s)
    assert seconds[-1].stuck
    assert stop_after_s < len(seconds) <= seconds[-1].confirmed / STEADY_BYTES + limit_s + 3


class PretendedTransport:
    """Of a system that does not say what was confirmed: what left the buffer counts."""

    def __init__(self) -> None:
        self.unsent = 0

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def get_extra_info(self, _name: str) -> None:
        return None


def test_a_burst_of_any_size_pays_no_more_than_a_receive_buffer_does():
    transport, unread = PretendedTransport(), UnreadAnswer()
    stuck = []
    for second, unsent in enumerate([2**30, 2**29, *[2**29] * 400]):
        transport.unsent = unsent
        stuck.append(unread.is_stuck(cast("asyncio.Transport", transport), float(second), 1.0))
    assert stuck.index(True) == 1 + 2**22 // STEADY_BYTES + 1
