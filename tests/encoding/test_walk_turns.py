"""Requesters take turns with the threads that encode walks."""

import asyncio

from service.encoding.walk_turns import WalkTurns


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Takers:
    """Those who wait for turns, in the order in which they had them."""

    def __init__(self, turns: WalkTurns):
        self._turns = turns
        self.had: list[str | None] = []
        self.ends = []
        self.tasks = []

    def ask(self, requester: str | None) -> None:
        async def take():
            self.ends.append(await self._turns.take(requester))
            self.had.append(requester)

        self.tasks.append(asyncio.create_task(take()))


def test_requesters_take_turns_however_many_walks_one_of_them_asked_for():
    async def scenario():
        takers = Takers(WalkTurns(1))
        for requester in ["greedy"] * 5 + ["first", None]:
            takers.ask(requester)
        await settle()
        for number in range(7):
            assert len(takers.had) == number + 1  # one thread
            takers.ends[number]()
            await settle()
        return takers.had

    assert set(asyncio.run(scenario())[:4]) == {"greedy", "first", None}


def test_in_company_one_requester_leaves_a_thread_to_others_and_alone_he_has_all():
    async def scenario(company):
        takers = Takers(WalkTurns(2, in_company=lambda: company))
        for _ in range(5):
            takers.ask("greedy")
        await settle()
        alone = takers.had.copy()
        takers.ask("another")
        await settle()
        return alone, takers.had, takers.tasks

    alone, had, _ = asyncio.run(scenario(True))
    assert (alone, had) == (["greedy"], ["greedy", "another"])
    alone, had, _ = asyncio.run(scenario(False))
    assert alone == had == ["greedy", "greedy"]


def test_who_stops_waiting_has_no_turn_and_loses_none():
    async def scenario():
        takers = Takers(WalkTurns(1))
        for requester in ("first", "gone", "at the last moment", "last"):
            takers.ask(requester)
        await settle()
        takers.tasks[1].cancel()
        await settle()
        takers.ends[0]()
        await asyncio.sleep(0)  # the turn is given
        takers.tasks[2].cancel()
        await settle()
        return takers.had

    assert asyncio.run(scenario()) == ["first", "last"]
