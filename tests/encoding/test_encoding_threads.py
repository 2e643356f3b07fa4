"""Requesters take turns with the threads that encode, and what is long leaves one to others."""

import itertools
import queue
import threading
import time
import weakref
from concurrent.futures import CancelledError
from contextlib import contextmanager

import numpy as np
import pytest

from service.encoding.encoding_threads import SHORT_PIXELS, EncodingThreads
from tests.patience import PATIENCE_S

SHORT, LONG = SHORT_PIXELS, SHORT_PIXELS + 1


class Takers:
    """Those who have turns, in the order in which they had them, each until it is told to end."""

    def __init__(self, threads: int, *, company: bool = False):
        self.turns = EncodingThreads("test", threads, in_company=lambda: company)
        self._began: queue.Queue[str | None] = queue.Queue()
        self.had: list[str | None] = []
        self._ends: dict[str | None, threading.Semaphore] = {}

    def ask(self, requester: str | None, pixels: int = SHORT, **options):
        self._ends.setdefault(requester, threading.Semaphore(0))
        return self.turns.submit(self._use, requester, requester=requester, pixels=pixels, **options)

    def _use(self, requester):
        self._began.put(requester)
        assert self._ends[requester].acquire(timeout=PATIENCE_S)

    def next(self) -> str | None:
        """Whose turn begins next."""
        self.had.append(self._began.get(timeout=PATIENCE_S))
        return self.had[-1]

    def end(self, requester) -> None:
        """One turn of his ends, which runs or will."""
        self._ends[requester].release()


@contextmanager
def takers(threads: int, **options):
    taking = Takers(threads, **options)
    yield taking
    for end in taking._ends.values():
        end.release(1000)
    taking.turns.shutdown()


def test_requesters_take_turns_however_many_walks_one_of_them_asked_for():
    with takers(1) as taking:
        for requester in ["greedy"] * 5 + ["first", None]:
            taking.ask(requester)
        for number in range(7):
            taking.end(taking.next())
            assert len(taking.had) == number + 1
            assert taking._began.qsize() <= 1  # one thread
    assert set(taking.had[:4]) == {"greedy", "first", None}
    assert sorted(taking.had, key=str) == sorted(["greedy"] * 5 + ["first", None], key=str)


@pytest.mark.parametrize("company", [True, False])
def test_in_company_one_requester_leaves_a_thread_to_others_and_alone_he_has_all(company):
    with takers(2, company=company) as taking:
        for _ in range(5):
            taking.ask("greedy")
        taking.ask("another")
        assert {taking.next(), taking.next()} == ({"greedy", "another"} if company else {"greedy"})


def test_in_company_long_turns_of_however_many_leave_a_thread_to_short_ones():
    with takers(2, company=True) as taking:
        for number in range(5):
            taking.ask(f"large {number}", LONG)
        assert taking.next() == "large 0"
        for number in range(5):
            taking.ask(f"small {number}", SHORT)
            assert taking.next() == f"small {number}"
            taking.end(f"small {number}")
        for number in range(1, 5):  # and each of them has his, when the one before has ended
            taking.end(f"large {number - 1}")
            assert taking.next() == f"large {number}"


def test_an_end_that_lets_two_turns_begin_leaves_no_thread_idle():
    with takers(2, company=True) as taking:
        taking.ask("large", LONG)
        assert taking.next() == "large"
        taking.ask("large", SHORT)  # which waits for his own, and the next for any that is long
        taking.ask("another", LONG)
        until = time.monotonic() + PATIENCE_S
        while taking.turns._held < 2:  # the other thread has looked for both
            assert time.monotonic() < until
            time.sleep(0.001)
        taking.end("large")
        assert {taking.next(), taking.next()} == {"large", "another"}


def test_who_comes_anew_waits_for_no_more_than_the_turn_that_runs():
    with takers(1) as taking:
        walks = ["first", "second", "third"]
        for requester in walks * 4:
            taking.ask(requester)
        for _ in range(5):
            taking.end(taking.next())
        running = taking.next()
        taking.ask("newcomer", SHORT // 2)
        taking.end(running)
        assert taking.next() == "newcomer"


def test_any_number_of_newcomers_leaves_a_turn_to_who_was_there():
    with takers(1) as taking:
        for _ in range(2):
            taking.ask("patient")
        taking.next()
        taking.ask("newcomer 0", 1)
        taking.end("patient")
        for number in range(100):
            begun = taking.next()
            if begun == "patient":
                break
            taking.ask(f"newcomer {number + 1}", 1)
            taking.end(begun)
        assert taking.had.count("patient") == 2
        assert len(taking.had) > 3, "newcomers had none before"


def test_of_one_requester_the_oldest_walk_goes_first():
    with takers(1) as taking:
        taking.ask("busy")
        taking.next()
        for since in (3.0, 1.0, 2.0):
            taking._ends[since] = taking._ends["busy"]
            taking.turns.submit(taking._use, since, requester="walks", pixels=SHORT, since=since)
        taking.end("busy")
        for since in (1.0, 2.0, 3.0):
            assert taking.next() == since
            taking.end(since)


def test_who_stops_waiting_has_no_turn_and_loses_none():
    with takers(1) as taking:
        asked = [taking.ask(requester) for requester in ("first", "gone", "last")]
        assert taking.next() == "first"
        assert asked[1].cancel()
        taking.end("first")
        assert taking.next() == "last"
        assert not asked[2].cancel()
        taking.end("last")
    assert taking.had == ["first", "last"]


def test_what_a_turn_holds_goes_with_who_stops_waiting():
    class Frames:
        pass

    with takers(1) as taking:
        taking.ask("first")
        assert taking.next() == "first"
        frames = Frames()
        held = weakref.ref(frames)
        assert taking.turns.submit(id, frames, requester="gone").cancel()
        del frames
        assert held() is None


def test_every_turn_comes_once_whoever_leaves_and_however_the_threads_end():
    """All that can be in the way of each other: long and short, company, those who leave, the end."""
    chance, company = np.random.default_rng(7), itertools.cycle([True, True, False])
    for threads in (1, 2, 3):
        began: list[int] = []
        turns = EncodingThreads("test", threads, in_company=lambda: next(company))
        asked = []
        for number in range(300):
            work = began.append if number % 7 else int  # what fails is told to who waits
            whose, pixels = "abcd"[chance.integers(4)], [1, SHORT, LONG, 5 * LONG][chance.integers(4)]
            argument = number if number % 7 else "none"
            asked.append(turns.submit(work, argument, requester=whose, pixels=pixels))
            if chance.random() < 0.2:
                asked[chance.integers(len(asked))].cancel()
        turns.shutdown()
        assert all(future.done() for future in asked)
        wanted = [number for number, future in enumerate(asked) if number % 7 and not future.cancelled()]
        assert sorted(began) == wanted
        for number in range(0, 300, 7):
            with pytest.raises((ValueError, CancelledError)):
                asked[number].result()
        assert not turns._lines
        with pytest.raises(RuntimeError):
            turns.submit(int)


def test_what_waits_is_dropped_where_the_end_does_not_wait_for_it():
    with takers(2, company=True) as taking:
        running, held = taking.ask("large", LONG), taking.ask("another", LONG)
        assert taking.next() == "large"
        taking.turns.shutdown(wait=False, cancel_futures=True)
        taking.end("large")
        running.result(PATIENCE_S)
        assert held.cancelled()
