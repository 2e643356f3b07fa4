"""How connections are taken from the system: a few in a round of the event loop, and none is turned away."""

import asyncio
import socket
from contextlib import ExitStack

from service.server.listeners import TAKEN_AT_ONCE, keep_many

COMERS = 50


def test_a_burst_of_connections_is_taken_a_few_at_a_time_and_none_of_it_is_turned_away():
    taken = 0

    class Taken(asyncio.Protocol):
        def connection_made(self, transport):
            nonlocal taken
            taken += 1
            transport.abort()

    async def scenario():
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Taken, "127.0.0.1", 0, backlog=TAKEN_AT_ONCE)
        keep_many([server])
        address = server.sockets[0].getsockname()
        with ExitStack() as held:
            for _ in range(COMERS):  # the loop takes none meanwhile: the system keeps all
                held.enter_context(socket.create_connection(address, timeout=10))
            rounds = []
            while sum(rounds) < COMERS:
                before = taken
                await asyncio.sleep(0)
                rounds.append(taken - before)
                assert len(rounds) < 10 * COMERS
        server.close()
        await server.wait_closed()
        return max(rounds)

    # A round makes connections of what the one before accepted.
    assert asyncio.run(scenario()) <= TAKEN_AT_ONCE + 1  # later Pythons take one more
