"""Who gives up what he asks for, over and over, has what others leave, and a turn now and then."""

import itertools
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from service.engine import batching
from service.engine.batching import WaitingJobs
from tests.engine.test_batching import FakeGenerator, job_of, note, rows_of
from tests.patience import PATIENCE_S, wait_until


@pytest.fixture(autouse=True)
def _remembered(monkeypatch):
    """However slow the machine is, nobody's company and nobody's leaving is forgotten meanwhile."""
    for name in ("_COMPANY_S", "_RESTLESS_S"):
        monkeypatch.setattr(f"service.engine.batching.{name}", 3600.0)


def waiting_beside(devices: int, generator: FakeGenerator) -> WaitingJobs:
    """Work of one who has just given up something, and another who has been seen lately."""
    waiting = WaitingJobs(devices=devices, turn_s=0.01)
    note(waiting, generator, 0.001)
    for requester in ("other", "restless"):
        waiting.add(job_of(generator, 1, requester))
        waiting.done(waiting.take(64))
    left = job_of(generator, 64, "restless")
    waiting.add(left)
    waiting.discard(left, given_up=True)
    for _ in range(20):
        waiting.add(job_of(generator, 64, "restless"))
    return waiting


def whose(batch) -> set[str]:
    return {part.job.requester for part in batch.parts}


def test_a_device_stays_free_for_others_and_theirs_is_as_good_as_alone():
    generator = FakeGenerator()
    waiting, taken = waiting_beside(2, generator), []
    first = waiting.take(64)
    assert (whose(first), rows_of(first), first.alone) == ({"restless"}, [5], False)  # half a turn
    thread = threading.Thread(target=lambda: taken.append(waiting.take(64)), daemon=True)
    thread.start()
    waiting.add(job_of(generator, 4, "other"))
    thread.join(PATIENCE_S)
    assert (whose(taken[0]), taken[0].alone) == ({"other"}, True)


def test_while_others_are_drawn_who_gives_up_waits_until_they_are_done():
    generator = FakeGenerator()
    waiting, taken = waiting_beside(3, generator), []
    waiting.add(job_of(generator, 4, "other"))
    first = waiting.take(64)
    assert whose(first) == {"other"}
    thread = threading.Thread(target=lambda: taken.append(waiting.take(64)), daemon=True)
    thread.start()
    assert not taken
    waiting.done(first)
    thread.join(PATIENCE_S)
    assert whose(taken[0]) == {"restless"}
    assert whose(waiting.take(64)) == {"restless"}  # on all devices but one


@pytest.mark.parametrize(("rest_s", "whose_next"), [(3600.0, {"other"}), (0.001, {"restless"})])
def test_after_others_were_drawn_all_devices_wait_for_their_next_for_a_moment(
    monkeypatch, rest_s, whose_next
):
    generator = FakeGenerator()
    monkeypatch.setattr("service.engine.batching._REST_S", rest_s)
    waiting, taken = waiting_beside(2, generator), []
    thread = threading.Thread(target=lambda: taken.append(waiting.take(64)), daemon=True)
    thread.start()
    if rest_s < 1:
        thread.join(PATIENCE_S)
    waiting.add(job_of(generator, 4, "other"))
    thread.join(PATIENCE_S)
    assert whose(taken[0]) == whose_next


def test_a_rest_that_ends_while_it_is_looked_at_is_not_slept_through(monkeypatch):
    """A look every half a second is for holds whose end is not known."""
    moments_s, waits_s = itertools.count(0.0, 0.008), []  # each look at the clock takes long
    waiting = waiting_beside(1, FakeGenerator())
    changed: Any = waiting._changed
    waiting._rests_until_s = 0.02
    monkeypatch.setattr(batching, "time", SimpleNamespace(monotonic=lambda: next(moments_s)))
    monkeypatch.setattr(changed, "wait", waits_s.append)
    assert whose(waiting.take(64)) == {"restless"}
    assert waits_s
    assert max(waits_s) <= 0.02


@pytest.mark.parametrize("devices", [1, 2])
def test_who_gives_up_has_a_turn_now_and_then_beside_who_asks_all_the_time(devices):
    generator = FakeGenerator()
    waiting = waiting_beside(devices, generator)
    waiting.add(job_of(generator, 10_000, "other"))
    batches = []
    for _ in range(40):
        batches.append(waiting.take(64))
        if len(batches) >= devices:
            waiting.done(batches[-devices])
    turns = [whose(batch) for batch in batches].count({"restless"})
    assert 2 <= turns <= 10


def test_alone_who_gives_up_has_everything(monkeypatch):
    monkeypatch.setattr("service.engine.batching._COMPANY_S", -1.0)
    waiting = waiting_beside(2, FakeGenerator())
    assert [rows_of(waiting.take(64)) for _ in range(2)] == [[64], [64]]


def test_giving_up_is_soon_forgotten_and_few_are_remembered(monkeypatch):
    generator = FakeGenerator()
    waiting = waiting_beside(2, generator)
    for number in range(1000):
        left = job_of(generator, 1, f"passer-by {number}")
        waiting.add(left)
        waiting.discard(left, given_up=True)
    assert len(waiting._restless_until_s) < 100
    monkeypatch.setattr("service.engine.batching._RESTLESS_S", -1.0)
    waiting = waiting_beside(2, generator)
    assert [whose(waiting.take(64)) for _ in range(2)] == [{"restless"}] * 2


def test_in_company_nobody_waits_for_a_part_of_what_another_asked_for():
    generator = FakeGenerator()
    waiting = WaitingJobs(turn_s=0.01)
    note(waiting, generator, 0.0005)  # a turn is 20 images
    waiting.add(job_of(generator, 1000, "greedy"))
    waiting.take(64)
    waiting.add(job_of(generator, 16, "modest"))
    assert rows_of(waiting.take(64)) == [16]
    waiting.add(job_of(generator, 3, "first"))
    waiting.add(job_of(generator, 4, "second"))
    assert sorted(rows_of(waiting.take(64))) == [3, 4]  # whole, they share a batch


def test_who_gives_up_is_drawn_by_another_model_too_though_others_keep_the_first_busy():
    busy, other = FakeGenerator(), FakeGenerator()
    waiting = waiting_beside(1, busy)
    waiting.add(job_of(busy, 10_000, "other"))
    waiting.add(job_of(other, 1, "restless"))
    for batch in (waiting.take(64) for _ in range(40)):
        waiting.done(batch)
        if batch.generator is other:
            return
    raise AssertionError("not in 40 batches")


@pytest.mark.parametrize("last", ["left", "drawn"])
def test_all_threads_end_when_what_was_held_back_is_gone_after_the_close(last):
    generator = FakeGenerator()
    waiting = waiting_beside(4, generator)
    for _ in range(40):
        waiting.add(job_of(generator, 1, "other"))
    first = waiting.take(64)  # others', beside which the restless wait
    assert whose(first) == {"other"}
    changed: Any = waiting._changed
    taken: list = []

    def draw():
        while (batch := waiting.take(64)) is not None:
            waiting.done(batch)
        taken.append(None)

    threads = [threading.Thread(target=draw, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(changed._waiters) == 4)
    waiting.close()
    wait_until(lambda: len(changed._waiters) == 4)
    if last == "left":
        for lines in list(waiting._queues.values()):
            for line in list(lines._lines.values()):
                for job in list(line.jobs):
                    waiting.discard(job, given_up=True)
    waiting.done(first)
    for thread in threads:
        thread.join(PATIENCE_S)
    assert len(taken) == 4
