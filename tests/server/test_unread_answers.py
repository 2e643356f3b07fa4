"""Who reads is told by what his machine has confirmed, not by what the system here has taken."""

import asyncio
import socket
import sys

import pytest

from service.server.unread_answers import UnreadAnswer
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system does not say")

LIMIT_S = 30.0
PIECE = bytes(1000)


async def connect_both() -> tuple[asyncio.Transport, socket.socket]:
    """A transport, and the client at its other end, who takes little unread."""
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
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
