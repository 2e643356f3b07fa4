"""How a walk goes through the engine: in chunks, two at a time, whatever happens on the way."""

import asyncio
import threading
import tracemalloc

import numpy as np
import pytest

from service import rendering
from service.devices import cpu_device
from service.engine import Engine, Generated
from service.errors import DeadlineExceeded, QueueFull
from service.inputs import draw_inputs
from service.releases import Releases
from service.rendering import CHUNK_FRAMES, render_walk
from service.schemas import WalkRequest
from service.store import open_store


@pytest.fixture(scope="module")
def release(tiny_store):
    return Releases(open_store(str(tiny_store)), default_model="grey", device=cpu_device(1)).get("grey")


class WatchedEngine(Engine):
    """The real engine, keeping count of what it was asked for."""

    def __init__(self, *, fail_at: int | None = None, delay_s: float = 0.0) -> None:
        super().__init__(max_batch_images=64, max_queue_images=4096, timeout_s=30)
        self.asked: list[int] = []
        self.in_flight = self.most_in_flight = 0
        self._fail_at = fail_at
        self._delay_s = delay_s

    async def generate(self, generator, inputs, **options) -> Generated:
        self.asked.append(len(inputs.latents))
        self.in_flight += 1
        self.most_in_flight = max(self.in_flight, self.most_in_flight)
        try:
            await asyncio.sleep(self._delay_s)
            if len(self.asked) == self._fail_at:
                raise QueueFull("Full.")
            return await super().generate(generator, inputs, **options)
        finally:
            self.in_flight -= 1


def render(engine, release, path, *, form="npy", frames=1000, timeout_s=30.0):
    order = WalkRequest(seeds=(1, 2), frames=frames)
    keys = draw_inputs(release.manifest, order, order.seeds)
    return render_walk(engine, release.generator, keys, order, path, form, timeout_s=timeout_s)


def test_a_walk_goes_to_the_engine_in_chunks_of_which_at_most_two_are_under_way(release, tmp_path):
    engine = WatchedEngine()
    asyncio.run(render(engine, release, tmp_path / "walk.npy"))
    assert sum(engine.asked) == 1000
    assert max(engine.asked) == CHUNK_FRAMES
    assert engine.most_in_flight == 2
    assert np.load(tmp_path / "walk.npy").shape == (1000, 8, 8, 1)


def test_the_next_chunk_is_with_the_engine_while_one_is_being_encoded(release, tmp_path, monkeypatch):
    engine = WatchedEngine()
    asked = []
    encode = rendering._encode

    def watch(*arguments):
        asked.append(len(engine.asked))
        return encode(*arguments)

    monkeypatch.setattr(rendering, "_encode", watch)
    asyncio.run(render(engine, release, tmp_path / "walk.npy", frames=5 * CHUNK_FRAMES))
    assert asked == [2, 3, 4, 5, 5]


@pytest.mark.parametrize("form", ["npy", "mp4", "zip"])
def test_the_memory_of_a_walk_is_that_of_its_chunks(release, tmp_path, form):
    order = WalkRequest(seeds=(1, 2), frames=2000, scale=8)  # 8 MB of pixels
    keys = draw_inputs(release.manifest, order, order.seeds)
    tracemalloc.start()
    try:
        walk = render_walk(
            WatchedEngine(), release.generator, keys, order, tmp_path / "walk", form, timeout_s=30
        )
        asyncio.run(walk)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 3_000_000


@pytest.mark.parametrize("form", ["png", "gif", "apng", "webp", "mp4", "zip", "npy"])
def test_a_walk_that_the_engine_refuses_half_way_says_why_and_leaves_nothing_running(release, tmp_path, form):
    engine = WatchedEngine(fail_at=3)
    with pytest.raises(QueueFull):
        asyncio.run(render(engine, release, tmp_path / f"walk.{form}", form=form))
    assert engine.in_flight == 0
    assert len(engine.asked) <= 4


def test_a_walk_past_its_deadline_is_given_up(release, tmp_path):
    engine = WatchedEngine(delay_s=0.2)
    with pytest.raises(DeadlineExceeded, match=r"0\.3 s"):
        asyncio.run(render(engine, release, tmp_path / "walk.mp4", form="mp4", timeout_s=0.3))
    assert engine.in_flight == 0


def test_a_cancelled_walk_waits_for_its_encoder_before_it_lets_go(release, tmp_path, monkeypatch):
    encoding, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def slow(*_):
        encoding.set()
        go_on.wait(10)
        ended.set()
        return 0.0

    monkeypatch.setattr(rendering, "_encode", slow)

    async def cancel_it() -> None:
        task = asyncio.create_task(render(WatchedEngine(), release, tmp_path / "walk.mp4", form="mp4"))
        await asyncio.to_thread(encoding.wait, 10)
        task.cancel()
        await asyncio.sleep(0.05)
        assert not task.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended.is_set()

    asyncio.run(cancel_it())
