import asyncio
import os
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.errors import DeadlineExceeded, QueueFull
from foundation.store import FolderStore
from service.engine.devices import cpu_device
from service.engine.engine import Engine
from service.engine.jobs import GenerationFailed
from service.http.problem_table import headers_of
from service.releases.opening import open_release
from service.requests.inputs import Inputs, draw_seeds
from tests.patience import PATIENCE_S
from tests.tiny_models import TinyModel, publish_tiny_model


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    store = tmp_path_factory.mktemp("engine")
    publish_tiny_model(store, TinyModel(channels=3, classes=("a", "b")))
    return open_release(FolderStore(store), "grey", "v1", cpu_device(1))


async def until(condition, limit_s=PATIENCE_S):
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)


class SlowGenerator:
    """A generator whose batches last as long as the test wants."""

    images_each = 1

    def __init__(self, generator) -> None:
        self._generator = generator
        self.manifest = generator.manifest
        self.go = threading.Semaphore(0)
        self.batches: list[int] = []
        self.entered = 0

    def run(self, parts, *, alone):
        self.entered += 1
        assert self.go.acquire(timeout=PATIENCE_S)
        self.batches.append(sum(map(len, parts)))
        return self._generator.run(parts, alone=True)

    def observe(self, metrics, rows, seconds):
        self._generator.observe(metrics, rows, seconds)


def new_engine(**options) -> Engine:
    return Engine(**{"max_batch_images": 8, "max_queue_images": 20, "timeout_s": PATIENCE_S, **options})


def run(scenario, **options):
    """Run `scenario(engine)` with an engine of its own."""

    async def main():
        engine = new_engine(**options)
        try:
            return await scenario(engine)
        finally:
            await engine.close()

    return asyncio.run(main())


@settings(max_examples=25)
@given(
    requests=st.lists(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=30), min_size=1, max_size=8),
    max_batch=st.integers(1, 16),
)
def test_a_seed_has_the_same_image_alone_and_in_any_mix_of_requests(release, requests, max_batch):
    alone = {
        seed: release.generator.generate(inputs.latents, inputs.labels)[0]
        for seeds in requests
        for seed in seeds
        for inputs in [draw_seeds(release.manifest, [seed])]
    }

    async def scenario():
        engine = new_engine(max_batch_images=max_batch, max_queue_images=10_000)
        calls = (
            engine.generate(release.generator, draw_seeds(release.manifest, seeds)) for seeds in requests
        )
        answers = await asyncio.gather(*calls)
        await engine.close()
        return answers

    for seeds, answer in zip(requests, asyncio.run(scenario()), strict=True):
        np.testing.assert_array_equal(answer.images, np.stack([alone[seed] for seed in seeds]))


def test_requests_that_arrive_while_a_batch_runs_form_the_next_one(release):
    async def scenario(engine):
        slow: Any = SlowGenerator(release.generator)
        inputs = draw_seeds(release.manifest, [1])
        first = asyncio.ensure_future(engine.generate(slow, inputs))
        await until(lambda: slow.entered)
        others = [asyncio.ensure_future(engine.generate(slow, inputs)) for _ in range(5)]
        await asyncio.sleep(0)  # each is admitted at its first step
        slow.go.release(2)
        await asyncio.gather(first, *others)
        return slow.batches

    assert run(scenario) == [1, 5]


def test_a_full_queue_refuses_and_says_when_to_come_back(release):
    async def scenario(engine):
        slow: Any = SlowGenerator(release.generator)
        accepted = asyncio.ensure_future(engine.generate(slow, draw_seeds(release.manifest, range(18))))
        await until(lambda: slow.entered)
        with pytest.raises(QueueFull) as refusal:
            await engine.generate(slow, draw_seeds(release.manifest, range(3)))
        slow.go.release(3)
        assert len((await accepted).images) == 18
        return refusal.value

    error = run(scenario)
    assert int(dict(headers_of(error))["Retry-After"]) >= 1
    assert "18 images are waiting and the queue holds 20" in str(error)


def test_the_retry_time_follows_the_measured_rate(release):
    async def scenario(engine):
        await engine.generate(release.generator, draw_seeds(release.manifest, range(4)))
        engine._batches.images_per_s = 2.0
        slow: Any = SlowGenerator(release.generator)
        accepted = asyncio.ensure_future(engine.generate(slow, draw_seeds(release.manifest, range(18))))
        await until(lambda: slow.entered)
        with pytest.raises(QueueFull) as refusal:
            engine.check_room(3)
        slow.go.release(3)
        await accepted
        return refusal.value.retry_after_s

    assert run(scenario) == 9


def test_a_deadline_frees_the_queue_and_costs_the_device_nothing(release):
    async def scenario(_):
        for timeout_s in (1.0, 10.0, 100.0):  # the first in which this machine comes to draw anything
            if batches := await miss_deadlines(timeout_s):
                return batches
        return []

    async def miss_deadlines(timeout_s):
        engine = new_engine(timeout_s=timeout_s)
        slow: Any = SlowGenerator(release.generator)
        inputs = draw_seeds(release.manifest, range(8))
        calls = [asyncio.ensure_future(engine.generate(slow, inputs)) for _ in range(2)]
        for call in calls:
            with pytest.raises(DeadlineExceeded):
                await call
        assert engine.waiting_images == 0
        slow.go.release(5)
        await engine.close()
        return slow.batches

    assert run(scenario) == [8]


def test_a_request_whose_client_left_is_taken_out_of_the_queue(release):
    async def scenario(engine):
        slow: Any = SlowGenerator(release.generator)
        inputs = draw_seeds(release.manifest, range(8))
        running = asyncio.ensure_future(engine.generate(slow, inputs))
        await until(lambda: slow.entered)
        gone = asyncio.ensure_future(engine.generate(slow, inputs))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert engine.waiting_images == 8
        slow.go.release(5)
        await running
        return slow.batches

    assert run(scenario) == [8]


def test_who_left_goes_behind_who_waits(release):
    async def scenario():
        engine = new_engine(max_batch_images=4)  # a request is a batch
        slow: Any = SlowGenerator(release.generator)
        inputs = draw_seeds(release.manifest, range(4))

        def ask(requester):
            return asyncio.ensure_future(engine.generate(slow, inputs, requester=requester))

        running = ask("another")
        await until(lambda: slow.entered)
        stays, leaves = ask("restless"), ask("restless")
        await asyncio.sleep(0)
        leaves.cancel()
        await asyncio.wait([leaves])
        patient = ask("patient")
        await asyncio.sleep(0)
        slow.go.release(2)
        first, _ = await asyncio.wait([stays, patient], return_when=asyncio.FIRST_COMPLETED)
        assert first == {patient}
        slow.go.release(1)
        await asyncio.gather(running, stays)
        await engine.close()

    asyncio.run(scenario())


def test_whom_the_service_gives_up_goes_behind_nobody(release):
    async def scenario(engine):
        slow: Any = SlowGenerator(release.generator)
        inputs = draw_seeds(release.manifest, range(4))

        def ask(requester):
            return asyncio.ensure_future(engine.generate(slow, inputs, requester=requester))

        async def ask_within(limit):
            async with limit:
                with engine.admit(4, "unlucky", limit) as admission:
                    await engine.generate(slow, inputs, admission=admission)

        running = ask("another")
        await until(lambda: slow.entered)
        stays, limit = ask("unlucky"), asyncio.timeout(None)
        late = asyncio.ensure_future(ask_within(limit))
        await asyncio.sleep(0)
        limit.reschedule(0)
        with pytest.raises(TimeoutError):
            await late
        patient = [ask("patient"), ask("patient")]
        await asyncio.sleep(0)
        slow.go.release(2)
        await asyncio.wait([stays, *patient], return_when=asyncio.FIRST_COMPLETED)
        assert stays.done()
        slow.go.release(2)
        await asyncio.gather(running, *patient)

    run(scenario, max_batch_images=4)


def test_equal_requests_share_one_run_and_one_leaving_does_not_hurt_the_other(release):
    async def scenario(engine):
        slow: Any = SlowGenerator(release.generator)
        inputs = draw_seeds(release.manifest, [1])
        calls = [asyncio.ensure_future(engine.generate(slow, inputs, flight="same")) for _ in range(3)]
        await until(lambda: slow.entered)
        calls[0].cancel()
        slow.go.release(5)
        answers = await asyncio.gather(*calls[1:])
        assert answers[0] is answers[1]
        again = await engine.generate(slow, inputs, flight="same")
        assert again is not answers[0]
        return slow.batches

    assert run(scenario) == [1, 1]


def test_a_failing_graph_answers_its_own_requests_and_the_engine_goes_on(release):
    async def scenario(engine):
        wrong = Inputs(np.zeros((1, 3), np.float32), np.zeros((1, 2), np.float32), None)
        with pytest.raises(GenerationFailed, match="could not generate"):
            await engine.generate(release.generator, wrong)
        right = await engine.generate(release.generator, draw_seeds(release.manifest, [1]))
        assert engine.waiting_images == 0
        return right.images.shape

    assert run(scenario) == (1, 8, 8, 3)


def test_encoding_runs_off_the_event_loop_and_its_failure_is_an_answer(release):
    async def scenario(engine):
        inputs = draw_seeds(release.manifest, [1])
        names = []

        def encode(images, labels):
            names.append(threading.current_thread().name)
            return images.tobytes()

        answer = await engine.generate(release.generator, inputs, encode=encode)
        assert answer.content == answer.images.tobytes()
        with pytest.raises(GenerationFailed, match="could not be encoded"):
            await engine.generate(release.generator, inputs, encode=lambda images, labels: 1 / 0)
        return names

    assert run(scenario)[0].startswith(("encode", "inference"))


@pytest.mark.parametrize(
    ("cores", "small", "thread"), [(2, True, "inference"), (2, False, "encode"), (1, True, "encode")]
)
def test_a_small_answer_is_encoded_where_it_was_made_unless_a_device_waits(release, cores, small, thread):
    async def scenario():
        engine = new_engine(device_threads=cores, max_queue_images=40)
        slow: Any = SlowGenerator(release.generator)
        names: list[str] = []

        def encode(images, labels):
            names.append(threading.current_thread().name)
            return b""

        calls = [
            asyncio.ensure_future(
                engine.generate(
                    slow,
                    draw_seeds(release.manifest, range(8)),
                    encode=encode,
                    pixels=2**16 if small else 2**16 + 1,
                )
            )
            for _ in range(cores + 1)  # the last waits while the first is encoded
        ]
        await until(lambda: slow.entered == cores)
        slow.go.release()
        await until(lambda: names)
        slow.go.release(cores)
        await asyncio.gather(*calls)
        await engine.close()
        return names[0]

    assert asyncio.run(scenario()).startswith(thread)


class BlockedEncoding:
    """Encoding that lasts as long as the test wants."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Semaphore(0), threading.Event()

    def __call__(self, images, labels):
        self.begun.release()
        assert self.go_on.wait(PATIENCE_S)
        return b"large"


@pytest.mark.parametrize("devices", [1, 2])
def test_however_many_large_answers_are_encoded_another_s_is_drawn_encoded_and_answered(release, devices):
    async def scenario(engine):
        inputs, blocked = draw_seeds(release.manifest, [1]), BlockedEncoding()

        def ask(requester, encode, pixels):
            answer = engine.generate(
                release.generator, inputs, encode=encode, pixels=pixels, requester=requester
            )
            return asyncio.ensure_future(answer)

        large = [ask(f"large {number}", blocked, 2**24) for number in range(4)]
        assert await asyncio.to_thread(blocked.begun.acquire, timeout=PATIENCE_S)
        for pixels in (1, 2**20):  # a small one, and one that is not
            assert (await ask("another", lambda *_: b"mine", pixels)).content == b"mine"
        blocked.go_on.set()
        assert [answer.content for answer in await asyncio.gather(*large)] == [b"large"] * 4

    run(scenario, device_threads=devices)


def test_a_system_without_threads_to_give_costs_no_answer(release, monkeypatch):
    """What should be encoded elsewhere is encoded where it was made, and the next batch is made, too."""
    start = threading.Thread.start

    def refuse(thread):
        if thread.name.startswith("encode"):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)

    async def scenario(engine):
        slow: Any = SlowGenerator(release.generator)
        inputs = draw_seeds(release.manifest, [1])
        slow.go.release(9)
        for pixels in (2**24, 1, 2**24):
            calls = [engine.generate(slow, inputs, encode=lambda *_: b"mine", pixels=pixels) for _ in "ab"]
            assert [answer.content for answer in await asyncio.gather(*calls)] == [b"mine"] * 2

    run(scenario, max_batch_images=1)


def test_who_is_in_one_batch_with_a_large_answer_does_not_wait_for_it(release):
    async def scenario(engine):
        slow: Any = SlowGenerator(release.generator)
        inputs, blocked = draw_seeds(release.manifest, [1]), BlockedEncoding()
        first = asyncio.ensure_future(engine.generate(slow, inputs))
        await until(lambda: slow.entered)
        large = asyncio.ensure_future(engine.generate(slow, inputs, encode=blocked, pixels=2**24))
        small = asyncio.ensure_future(engine.generate(slow, inputs, encode=lambda *_: b"mine", pixels=1))
        await asyncio.sleep(0)  # each is admitted at its first step
        slow.go.release(2)
        assert (await small).content == b"mine"
        assert slow.batches == [1, 2]
        blocked.go_on.set()
        await asyncio.gather(first, large)

    run(scenario)


def test_closing_finishes_what_was_admitted(release):
    async def scenario(engine):
        slow: Any = SlowGenerator(release.generator)
        call = asyncio.ensure_future(engine.generate(slow, draw_seeds(release.manifest, range(20))))
        await until(lambda: slow.entered)
        slow.go.release(3)
        await engine.close()
        return len((await call).images)

    assert run(scenario) == 20


def test_one_requester_cannot_fill_the_queue_and_another_gets_in(release):
    async def scenario(engine):
        slow: Any = SlowGenerator(release.generator)

        def ask(first, count, requester):
            inputs = draw_seeds(release.manifest, range(first, first + count))
            return asyncio.ensure_future(engine.generate(slow, inputs, requester=requester))

        accepted = [ask(0, 8, "greedy"), ask(100, 7, "greedy")]
        await until(lambda: slow.entered)
        with pytest.raises(QueueFull, match="15 of the 20 images that the queue holds are yours"):
            engine.check_room(1, "greedy")
        other = ask(200, 5, "modest")
        await asyncio.sleep(0)
        slow.go.release(10)
        assert len((await other).images) == 5
        await asyncio.gather(*accepted)
        assert slow.batches[1] >= 5, "it was not in the next batch"
        assert engine.room.share_of("greedy") == 0

    run(scenario)


def test_closing_leaves_a_thread_alone_that_works_past_the_limit(release):
    async def scenario(_):
        engine = new_engine()
        encoding, go_on = threading.Event(), threading.Event()

        def encode(images, labels):
            encoding.set()
            assert go_on.wait(PATIENCE_S)
            return b""

        call = asyncio.ensure_future(
            engine.generate(release.generator, draw_seeds(release.manifest, [1]), encode=encode)
        )
        await asyncio.to_thread(encoding.wait, PATIENCE_S)
        await engine.close(limit_s=0.05)
        assert not call.done()
        go_on.set()
        await call

    run(scenario)


def test_who_encodes_walks_lets_those_who_answer_go_first():
    async def compare(engine):
        loop = asyncio.get_running_loop()
        niceness = await loop.run_in_executor(engine.walk_encoders, os.getpriority, os.PRIO_PROCESS, 0)
        more = 10 if sys.platform == "linux" else 0  # elsewhere it is the whole process's
        assert niceness == min(19, os.getpriority(os.PRIO_PROCESS, 0) + more)

    run(compare)
