import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.engine.batching import WaitingJobs, group_by_images
from service.engine.jobs import Job
from service.engine.lines import share_rows
from service.requests.inputs import Inputs
from tests.patience import PATIENCE_S


class FakeGenerator:
    """Stands where only its identity matters."""


def job_of(generator, rows: int, requester=None) -> Job:
    return Job(generator, Inputs(np.zeros((rows, 2), np.float32), None, None), requester)


def note(waiting, generator, image_s) -> None:
    waiting.note(generator, image_s)


def rows_of(batch) -> list[int]:
    return [len(part) for part in batch.parts]


def test_all_waiting_requests_of_a_model_merge_into_one_batch():
    waiting, generator = WaitingJobs(), FakeGenerator()
    for rows in (1, 2, 3):
        waiting.add(job_of(generator, rows))
    assert rows_of(waiting.take(64)) == [1, 2, 3]


def test_a_batch_holds_images_of_one_model_and_models_take_turns():
    waiting, first, second = WaitingJobs(), FakeGenerator(), FakeGenerator()
    for generator in (first, second, first):
        waiting.add(job_of(generator, 40))
    batches = [waiting.take(64) for _ in range(3)]
    assert [batch.generator for batch in batches] == [first, second, first]
    assert [rows_of(batch) for batch in batches] == [[40, 24], [40], [16]]


def test_a_large_request_is_cut_and_a_small_one_does_not_wait_behind_all_of_it():
    waiting, generator = WaitingJobs(), FakeGenerator()
    large, small = job_of(generator, 1000), job_of(generator, 1)
    waiting.add(large)
    assert rows_of(waiting.take(64)) == [64]
    waiting.add(small)
    batch = waiting.take(64)
    assert sorted(rows_of(batch)) == [1, 63]
    assert small.waiting == 0


def test_slices_of_a_job_follow_each_other_without_gap():
    waiting, generator = WaitingJobs(), FakeGenerator()
    large = job_of(generator, 150)
    waiting.add(large)
    parts = [part for _ in range(3) for part in waiting.take(64).parts]
    assert [(part.start, part.stop) for part in parts] == [(0, 64), (64, 128), (128, 150)]


def test_what_waits_is_shared_by_the_devices_until_the_parts_are_small():
    waiting, generator = WaitingJobs(devices=2), FakeGenerator()
    for _ in range(40):
        waiting.add(job_of(generator, 1))
    assert [len(rows_of(waiting.take(64))) for _ in range(4)] == [20, 10, 8, 2]


def test_a_large_request_runs_on_all_devices():
    waiting, generator = WaitingJobs(devices=2), FakeGenerator()
    waiting.add(job_of(generator, 1000))
    waiting.add(job_of(generator, 20))
    assert [sum(rows_of(waiting.take(64))) for _ in range(3)] == [64, 64, 64]


def test_discarded_job_never_reaches_a_batch():
    waiting, generator = WaitingJobs(), FakeGenerator()
    kept, dropped = job_of(generator, 1), job_of(generator, 1)
    waiting.add(dropped)
    waiting.add(kept)
    waiting.discard(dropped)
    waiting.discard(dropped)
    assert [part.job for part in waiting.take(64).parts] == [kept]


def test_take_ends_when_closed_and_empty():
    waiting = WaitingJobs()
    waiting.add(job_of(FakeGenerator(), 1))
    waiting.close()
    assert waiting.take(64) is not None
    assert waiting.take(64) is None


def test_take_waits_for_job():
    waiting, taken = WaitingJobs(), []
    thread = threading.Thread(target=lambda: taken.append(waiting.take(64)))
    thread.start()
    waiting.add(job_of(FakeGenerator(), 3))
    thread.join(timeout=PATIENCE_S)
    assert rows_of(taken[0]) == [3]


def test_images_come_together_in_order_even_if_batches_do_not():
    job = job_of(FakeGenerator(), 3)
    images = np.arange(3, dtype=np.uint8).reshape(3, 1, 1, 1)
    job.add(1, images[1:], None)
    assert not job.complete
    job.add(0, images[:1], None)
    assert job.complete
    np.testing.assert_array_equal(job.joined()[0], images)


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=64))
def test_a_budget_serves_small_jobs_whole_and_then_the_oldest_large_one(waiting):
    shares = share_rows(waiting, 64)
    assert sum(shares) == min(64, sum(waiting))
    assert all(0 <= share <= rows for share, rows in zip(shares, waiting, strict=True))
    fair = 64 // len(waiting)
    assert all(share == rows for share, rows in zip(shares, waiting, strict=True) if rows <= fair)
    large = [(share, rows) for share, rows in zip(shares, waiting, strict=True) if rows > fair]
    cut = [index for index, (share, rows) in enumerate(large) if share < rows]
    if cut:
        assert all(share == 0 for share, _ in large[cut[0] + 1 :])


def test_large_requests_take_turns():
    waiting, generator = WaitingJobs(), FakeGenerator()
    first, second = job_of(generator, 100), job_of(generator, 100)
    waiting.add(first)
    waiting.add(second)
    turns = [[part.job for part in waiting.take(50).parts] for _ in range(4)]
    assert turns == [[first], [second], [first], [second]]


def test_a_batch_is_alone_while_no_other_runs_or_waits():
    waiting, generator = WaitingJobs(), FakeGenerator()
    waiting.add(job_of(generator, 3))
    first = waiting.take(64)
    assert first.alone
    waiting.add(job_of(generator, 1))
    second = waiting.take(64)
    assert not second.alone
    assert waiting.done(first)
    assert waiting.done(second)
    waiting.add(job_of(generator, 100))
    assert not waiting.take(64).alone


@given(st.lists(st.integers(1, 100), max_size=30))
def test_groups_keep_the_order_and_the_limit(rows):
    jobs = [job_of(None, count) for count in rows]
    for job in jobs:
        job.taken = len(job.inputs)
    groups = list(group_by_images(jobs, 64))
    assert [job for group in groups for job in group] == jobs
    assert all(len(group) == 1 or sum(job.taken for job in group) <= 64 for group in groups)


@pytest.mark.parametrize("rows", [1, 40])
def test_requesters_take_turns_however_much_one_of_them_has_asked_for(rows):
    waiting, generator = WaitingJobs(), FakeGenerator()
    for _ in range(1000 // rows):
        waiting.add(job_of(generator, rows, "greedy"))
    for requester in ("first", "second"):
        waiting.add(job_of(generator, 40, requester))
    served = {"greedy": 0, "first": 0, "second": 0}
    for _ in range(4):
        for part in waiting.take(32).parts:
            served[part.job.requester] += len(part)
    assert served["first"] + served["second"] >= 2 * 32
    assert all(served.values())


def test_who_asks_for_little_is_in_the_next_batch_beside_one_who_asks_for_much():
    waiting, generator = WaitingJobs(), FakeGenerator()
    for _ in range(500):
        waiting.add(job_of(generator, 1, "greedy"))
    modest = job_of(generator, 4, "modest")
    waiting.add(modest)
    assert [part.job is modest for part in waiting.take(32).parts].count(True) == 1
    assert modest.waiting == 0


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(1, 50)), min_size=1, max_size=40),
    st.integers(1, 40),
    st.data(),
)
def test_every_row_that_is_not_discarded_is_taken_once(asked, budget, data):
    waiting, generator = WaitingJobs(), FakeGenerator()
    jobs = [job_of(generator, rows, requester) for requester, rows in asked]
    for job in jobs:
        waiting.add(job)
    gone = data.draw(st.sets(st.integers(0, len(jobs) - 1), max_size=len(jobs)))
    for index in gone:
        waiting.discard(jobs[index])
    waiting.close()
    rows = dict.fromkeys(jobs, 0)
    while batch := waiting.take(budget):
        assert 0 < sum(rows_of(batch)) <= budget
        for part in batch.parts:
            assert part.start == rows[part.job]
            rows[part.job] = part.stop
    expected = [0 if index in gone else len(job.inputs) for index, job in enumerate(jobs)]
    assert [rows[job] for job in jobs] == expected


def test_a_batch_is_as_long_as_a_turn_whatever_an_image_costs():
    waiting, quick, slow = WaitingJobs(turn_s=0.01), FakeGenerator(), FakeGenerator()
    waiting.add(job_of(quick, 1000, "greedy"))
    assert rows_of(waiting.take(64)) == [64]  # nothing is known yet
    for generator, image_s in ((quick, 0.001), (slow, 0.3)):
        for _ in range(2):
            note(waiting, generator, image_s)
    waiting.add(job_of(slow, 100))
    assert [rows_of(waiting.take(64)) for _ in range(4)] == [[10], [1], [10], [1]]
    note(waiting, quick, 0.0001)
    assert 10 < rows_of(waiting.take(64))[0] < 100


def test_who_comes_now_and_then_goes_before_who_has_been_served_all_the_time():
    waiting, generator = WaitingJobs(devices=2), FakeGenerator()
    waiting.add(job_of(generator, 1000, "greedy"))
    for _ in range(5):
        waiting.take(8)
        modest = job_of(generator, 16, "modest")
        waiting.add(modest)
        taken = [{part.job.requester for part in waiting.take(8).parts} for _ in range(2)]
        assert taken == [{"modest"}, {"modest"}]
        for _ in range(4):
            assert {part.job.requester for part in waiting.take(8).parts} == {"greedy"}


def test_any_number_of_newcomers_leaves_a_turn_to_who_was_there():
    waiting, generator, served = WaitingJobs(), FakeGenerator(), 0
    waiting.add(job_of(generator, 1000, "patient"))
    for number in range(30):
        waiting.add(job_of(generator, 8, f"newcomer {number}"))
        served += sum(len(part) for part in waiting.take(8).parts if part.job.requester == "patient")
    assert served >= 30 / 10 * 8


def test_nobody_gains_by_leaving_and_coming_again():
    waiting, generator = WaitingJobs(), FakeGenerator()
    waiting.add(job_of(generator, 1000, "patient"))
    served = {"patient": 0, "restless": 0}
    for _ in range(50):
        waiting.add(job_of(generator, 8, "restless"))
        for part in waiting.take(8).parts:
            served[part.job.requester] += len(part)
    assert abs(served["patient"] - served["restless"]) <= 2 * 8


def _share_beside_one_who_leaves(*, given_up: bool, batches: int = 70) -> int:
    """Batches of one who waits for his answers and asks again, beside one whose clients come and go."""
    waiting, generator = WaitingJobs(), FakeGenerator()
    asked = [job_of(generator, 64, "restless") for _ in range(4)]
    for job in asked:
        waiting.add(job)
    waiting.take(8)
    patient, mine = job_of(generator, 16, "patient"), 0
    waiting.add(patient)
    for _ in range(batches):
        mine += any(part.job.requester == "patient" for part in waiting.take(8).parts)
        if not patient.waiting:
            patient = job_of(generator, 16, "patient")
            waiting.add(patient)
        waiting.discard(asked.pop(0), given_up=given_up)
        asked.append(job_of(generator, 64, "restless"))
        waiting.add(asked[-1])
    return mine


def test_who_asks_for_much_and_leaves_goes_behind_who_waits_but_has_a_turn_now_and_then():
    assert 33 <= _share_beside_one_who_leaves(given_up=False) <= 37  # such as a time limit: turns of equals
    assert 58 <= _share_beside_one_who_leaves(given_up=True) <= 62


def test_what_was_given_up_is_soon_forgiven():
    waiting, generator = WaitingJobs(), FakeGenerator()
    waiting.add(job_of(generator, 100_000, "patient"))
    for _ in range(100):
        left = job_of(generator, 1000, "restless")
        waiting.add(left)
        waiting.discard(left, given_up=True)
    waiting.add(job_of(generator, 100_000, "restless"))
    first = [waiting.take(8).parts[0].job.requester for _ in range(400)]
    assert first[:120].count("restless") < 24
    assert 45 <= first[-100:].count("restless") <= 55


def test_what_is_remembered_of_requesters_who_left_does_not_grow():
    waiting, generator = WaitingJobs(), FakeGenerator()
    waiting.add(job_of(generator, 100_000, "greedy"))
    for number in range(2000):
        waiting.add(job_of(generator, 3, f"passer-by {number}"))
        waiting.take(8)
    [lines] = waiting._queues.values()
    assert len(lines._ahead) < 200


def test_a_requesters_requests_are_answered_one_after_the_other_however_short_batches_are():
    waiting, generator = WaitingJobs(turn_s=0.01), FakeGenerator()
    note(waiting, generator, 0.001)
    waiting.add(job_of(generator, 1, "another"))
    waiting.take(32)
    jobs = [job_of(generator, 25, "me") for _ in range(4)]
    for job in jobs:
        waiting.add(job)
    done = []
    while len(done) < 4:
        waiting.take(32)
        done += [job for job in jobs if not job.waiting and job not in done]
        assert sum(0 < job.waiting < 25 for job in jobs) <= 1
    assert done == jobs


@pytest.mark.parametrize(("company_s", "rows"), [(3600.0, 10), (-1.0, 64)])
def test_one_who_has_long_been_alone_has_whole_batches(monkeypatch, company_s, rows):
    monkeypatch.setattr("service.engine.batching._COMPANY_S", company_s)
    waiting, generator = WaitingJobs(turn_s=0.01), FakeGenerator()
    note(waiting, generator, 0.001)
    for requester in ("other", "me"):
        waiting.add(job_of(generator, 1000, requester))
        assert sum(rows_of(waiting.take(64))) == rows
