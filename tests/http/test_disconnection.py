"""Who leaves is told of by the server, or by `receive` where the server promises nothing."""

import asyncio

import pytest

from foundation.errors import ClientGone
from service.http.disconnection import note_departure, promise_departure, tell_departure, unless_gone


async def receive_nothing():
    await asyncio.Event().wait()


async def receive_end():
    return {"type": "http.disconnect"}


class Work:
    """An answer that takes until it is let go, and says whether it was stopped."""

    def __init__(self):
        self.begun, self.ready, self.stopped = asyncio.Event(), asyncio.Event(), False

    async def answer(self):
        self.begun.set()
        try:
            await self.ready.wait()
        except asyncio.CancelledError:
            self.stopped = True
            raise
        return "picture"


@pytest.fixture
def scope():
    return {"type": "http"}


async def ask(scope, receive, work):
    note_departure(scope)
    return await unless_gone(receive, work.answer())


def test_work_stops_when_the_server_tells_that_its_client_left(scope):
    async def run():
        promise_departure(scope)
        work = Work()
        task = asyncio.create_task(ask(scope, receive_nothing, work))
        await work.begun.wait()
        tell_departure(scope)
        with pytest.raises(ClientGone):
            await task
        return work

    assert asyncio.run(run()).stopped


def test_a_client_that_left_before_its_work_began_is_missed_too(scope):
    async def run():
        promise_departure(scope)
        tell_departure(scope)
        with pytest.raises(ClientGone):
            await ask(scope, receive_nothing, Work())

    asyncio.run(run())


def test_who_leaves_after_the_answer_disturbs_nothing(scope):
    async def run():
        promise_departure(scope)
        work = Work()
        work.ready.set()
        found = await ask(scope, receive_nothing, work)
        tell_departure(scope)
        await asyncio.sleep(0)  # where a cancellation would be raised
        return found

    assert asyncio.run(run()) == "picture"


def test_a_cancellation_that_is_nobodys_leaving_stays_one(scope):
    async def run():
        promise_departure(scope)
        work = Work()
        task = asyncio.create_task(ask(scope, receive_nothing, work))
        await work.begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return work

    assert asyncio.run(run()).stopped


def test_where_the_server_promises_nothing_the_client_is_watched(scope):
    async def run():
        with pytest.raises(ClientGone):
            await ask(scope, receive_end, Work())

    asyncio.run(run())
