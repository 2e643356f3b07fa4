"""Room that requesters share: none of them can keep all of it from the others."""

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.engine.budget import Budget, BytesFull
from service.engine.room import Room
from service.http.problem_table import headers_of
from service.http.requesters import address_of, current_requester, note_address, requesting
from tests.patience import PATIENCE_S


def test_one_who_asks_for_more_and_more_leaves_a_quarter_to_others():
    room = Room(4096)
    while room.fits(1024, "greedy"):
        room.take(1024, "greedy")
    assert room.share_of("greedy") == 3072
    assert not room.is_full(1024)
    assert room.fits(1024, "modest")


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 60)), max_size=200))
def test_who_holds_nothing_finds_room_beside_any_number_of_requests_of_one_other(asked):
    room = Room(400)
    for _, amount in asked:
        if room.fits(amount, "greedy"):
            room.take(amount, "greedy")
    assert room.held <= 400
    assert room.fits(100, "modest") or room.held == 0


@given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 60)), max_size=50))
def test_what_is_given_back_leaves_nothing_behind(asked):
    room = Room(100)
    for requester, amount in asked:
        room.take(amount, requester)
    for requester, amount in reversed(asked):
        room.give_back(amount, requester)
    assert room.held == 0
    assert room.share_of("a") == room.share_of("b") == 0


def test_the_first_is_let_in_however_large_and_nobody_beside_it():
    budget = Budget(100)
    with budget.hold(1000, "a"), pytest.raises(BytesFull, match=r"hold 1,000 of 100 bytes; this one needs 1"):
        budget.check(1, "b")
    assert budget.held_bytes == 0


def test_an_answer_counts_what_it_holds_until_it_is_released_once():
    budget = Budget(100)
    holding = budget.hold(60, "a")
    holding.resize(10)
    assert budget.held_bytes == 10
    with pytest.raises(BytesFull, match="is kept for others") as refusal:
        budget.check(80, "a")
    assert int(dict(headers_of(refusal.value))["Retry-After"]) > 0
    budget.check(80, "b")
    holding.release()
    holding.release()
    holding.resize(50)
    assert budget.held_bytes == 0


def test_what_a_thread_still_uses_counts_though_nobody_waits_for_it():
    async def leave() -> None:
        budget = Budget(100)
        holding = budget.hold(60)
        used, go_on = threading.Event(), threading.Event()

        def use() -> None:
            with holding.used():
                used.set()
                assert go_on.wait(PATIENCE_S)

        thread = asyncio.create_task(asyncio.to_thread(use))
        await asyncio.to_thread(used.wait, PATIENCE_S)
        holding.release()
        assert budget.held_bytes == 60
        go_on.set()
        await thread
        await asyncio.sleep(0)
        assert budget.held_bytes == 0

    asyncio.run(leave())


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("not:an:address", "not:an:address"),
    ],
)
def test_a_requester_without_a_key_is_an_address_or_the_network_of_one(host, name):
    assert address_of({"client": (host, 1234)}) == name
    with requesting({"client": (host, 1234)}):
        assert current_requester() == name


def test_a_key_goes_before_the_address():
    note_address({"client": ("192.0.2.7", 1)})
    with requesting({"client": ("192.0.2.8", 1), "ganymede.key": "me"}):
        assert current_requester() == "key me"
    assert current_requester() == "192.0.2.7"
    note_address({})
    assert current_requester() is None
