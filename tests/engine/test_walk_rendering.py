"""How a walk goes through the engine: in chunks, two at a time, whatever happens on the way."""

import asyncio
import errno
import os
import threading
import tracemalloc
from contextlib import nullcontext

import numpy as np
import pytest

from foundation.errors import DeadlineExceeded, QueueFull
from foundation.exhaustion import Exhausted
from foundation.store import open_store
from service.encoding.encoding_threads import SHORT_PIXELS, EncodingThreads
from service.engine import walks as rendering
from service.engine.devices import cpu_device
from service.engine.engine import Engine
from service.engine.jobs import Generated, GenerationFailed
from service.engine.walks import CHUNK_FRAMES, render_walk
from service.http.problem_table import headers_of, problem_type
from service.releases.lookup import Releases
from service.requests.request_inputs import draw_inputs, request_seeds
from service.requests.schemas import GenerateRequest, WalkRequest
from tests.patience import PATIENCE_S


@pytest.fixture(scope="module")
def release(tiny_store):
    return Releases(open_store(str(tiny_store)), default_model="grey", device=cpu_device(1)).get("grey")


class CountedTurns(EncodingThreads):
    """The real turns, keeping count of who took and ended them."""

    def __init__(self) -> None:
        super().__init__("walk", 1)
        self.taken: list[str | None] = []
        self.pixels: list[int] = []
        self.ended = 0

    def submit(self, function, *arguments, requester=None, pixels=0, **options):
        done = super().submit(function, *arguments, requester=requester, pixels=pixels, **options)
        if requester is not None:  # what frees an encoder is nobody's
            self.taken.append(requester)
            self.pixels.append(pixels)
            done.add_done_callback(self._count)
        return done

    def _count(self, _) -> None:
        self.ended += 1


class WatchedEngine(Engine):
    """The real engine, keeping count of what it was asked for."""

    def __init__(
        self,
        *,
        fail_at: int | None = None,
        delay_s: float = 0.0,
        max_queue_images: int = 4096,
        report=lambda _: None,
    ) -> None:
        """`report` is told after each chunk of a walk how many frames are there."""
        super().__init__(max_batch_images=64, max_queue_images=max_queue_images, timeout_s=PATIENCE_S)
        self.report = report
        self._done = 0
        self.asked: list[int] = []
        self.in_flight = self.most_in_flight = 0
        self._fail_at = fail_at
        self._delay_s = delay_s

    async def generate(self, generator, inputs, **options) -> Generated:
        self.asked.append(len(inputs))
        self.in_flight += 1
        self.most_in_flight = max(self.in_flight, self.most_in_flight)
        try:
            await asyncio.sleep(self._delay_s)
            if len(self.asked) == self._fail_at:
                raise GenerationFailed("Broken.")
            generated = await super().generate(generator, inputs, **options)
            if options.get("admission"):
                self._done += len(generated.images)
                self.report(self._done)
            return generated
        finally:
            self.in_flight -= 1


def render(engine, release, path, *, format="npy", frames=1000, scale=1, timeout_s=PATIENCE_S, **options):
    request = WalkRequest(seeds=(1, 2), frames=frames, scale=scale)
    keys = draw_inputs(release.manifest, request, request.seeds)
    return render_walk(engine, release.generator, keys, request, path, format, timeout_s=timeout_s, **options)


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


@pytest.mark.parametrize("format", ["npy", "mp4", "zip"])
def test_the_memory_of_a_walk_is_that_of_its_chunks(release, tmp_path, format):
    request = WalkRequest(seeds=(1, 2), frames=2000, scale=8)  # 8 MB of pixels
    keys = draw_inputs(release.manifest, request, request.seeds)
    tracemalloc.start()
    try:
        walk = render_walk(
            WatchedEngine(), release.generator, keys, request, tmp_path / "walk", format, timeout_s=PATIENCE_S
        )
        asyncio.run(walk)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 3_000_000


@pytest.mark.parametrize("format", ["png", "gif", "apng", "webp", "mp4", "zip", "npy"])
def test_a_walk_that_fails_half_way_says_why_and_leaves_nothing_running(release, tmp_path, format):
    engine = WatchedEngine(fail_at=3)
    with pytest.raises(GenerationFailed):
        asyncio.run(render(engine, release, tmp_path / f"walk.{format}", format=format))
    assert engine.in_flight == 0
    assert len(engine.asked) <= 4
    assert engine.waiting_images == 0


def test_an_admitted_walk_is_finished_though_the_queue_fills_and_the_process_drains(release, tmp_path):
    async def walk_in_a_crowd() -> None:
        engine = WatchedEngine(max_queue_images=1000)
        others: list[asyncio.Task[Generated]] = []
        rooms = []

        def crowd(done: int) -> None:
            room = 1000 - engine.waiting_images
            rooms.append(room)
            if room and not engine.draining:
                with pytest.raises(QueueFull):
                    engine.check_room(room + 1)
                fields = GenerateRequest(seed=0, count=room)
                inputs = draw_inputs(release.manifest, fields, request_seeds(fields))
                others.append(asyncio.create_task(engine.generate(release.generator, inputs)))
            if done > 500:
                engine.drain()  # the walk goes on; others that are not in yet are refused

        engine.report = crowd
        request = WalkRequest(seeds=(1, 2), frames=900)
        keys = draw_inputs(release.manifest, request, request.seeds)
        await render_walk(
            engine,
            release.generator,
            keys,
            request,
            tmp_path / "walk.npy",
            "npy",
            timeout_s=PATIENCE_S,
        )
        assert rooms[0] <= 100 + 2 * CHUNK_FRAMES
        assert np.load(tmp_path / "walk.npy").shape == (900, 8, 8, 1)
        outcomes = await asyncio.gather(*others, return_exceptions=True)
        assert isinstance(outcomes[0], Generated)
        assert engine.waiting_images == 0
        await engine.close()

    asyncio.run(walk_in_a_crowd())


def test_a_walk_that_the_queue_has_no_room_for_is_refused_before_its_first_frame(release, tmp_path):
    async def walk_beside_another() -> None:
        engine = Engine(max_batch_images=64, max_queue_images=1000, timeout_s=PATIENCE_S)
        with engine.admit(901), pytest.raises(QueueFull):
            await render(engine, release, tmp_path / "walk.npy", frames=100)
        assert engine.waiting_images == 0

    asyncio.run(walk_beside_another())
    assert not list(tmp_path.iterdir())


def test_a_walk_past_its_deadline_is_given_up(release, tmp_path):
    engine = WatchedEngine(delay_s=0.2)
    with pytest.raises(DeadlineExceeded, match=r"0\.3 s"):
        asyncio.run(render(engine, release, tmp_path / "walk.mp4", format="mp4", timeout_s=0.3))
    assert engine.in_flight == 0


class SlowEncoder:
    """An encoder whose frames last as long as the test wants, and which notes who uses it when."""

    def __init__(self) -> None:
        self.encoding, self.go_on, self.closed = threading.Event(), threading.Event(), threading.Event()
        self.frames = 0
        self.busy = self.closed_while_busy = False

    def add(self, frames):
        self.busy = True
        self.encoding.set()
        assert self.go_on.wait(PATIENCE_S)
        self.frames += len(frames)
        self.busy = False

    def finish(self):
        pass

    def close(self):
        self.closed_while_busy = self.busy
        self.closed.set()


@pytest.fixture
def encoder(monkeypatch):
    encoder = SlowEncoder()
    monkeypatch.setattr(rendering, "open_walk_encoder", lambda *_: encoder)
    return encoder


def test_a_walk_that_is_cancelled_over_and_over_leaves_its_encoder_to_the_thread_that_uses_it(
    release, tmp_path, encoder
):
    async def cancel_it() -> None:
        task = asyncio.create_task(render(WatchedEngine(), release, tmp_path / "walk.mp4", format="mp4"))
        await asyncio.to_thread(encoder.encoding.wait, PATIENCE_S)
        for _ in range(5):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert encoder.busy
        assert not encoder.closed.is_set()
        encoder.go_on.set()
        await asyncio.to_thread(encoder.closed.wait, PATIENCE_S)
        assert encoder.frames == 1, "it went on after nobody waited any more"
        assert not encoder.closed_while_busy

    asyncio.run(cancel_it())


def test_a_deadline_is_answered_while_a_frame_is_still_being_encoded(release, tmp_path, encoder):
    async def wait_in_vain() -> None:
        engine = WatchedEngine()
        for timeout_s in (0.2, 2, 20, 200):  # the first in which this machine comes to encode anything
            with pytest.raises(DeadlineExceeded):
                await render(engine, release, tmp_path / "walk.mp4", timeout_s=timeout_s)
            if encoder.busy:
                break
        assert encoder.busy
        encoder.go_on.set()
        await engine.close()
        assert encoder.closed.is_set()
        assert not encoder.closed_while_busy

    asyncio.run(wait_in_vain())


def test_a_walk_that_was_left_removes_its_file_after_the_last_frame(release, tmp_path, monkeypatch):
    async def leave() -> None:
        engine, begun, discarded = WatchedEngine(), asyncio.Event(), threading.Event()
        loop, encode = asyncio.get_running_loop(), rendering._encode

        def watch(*arguments):
            encode(*arguments)
            loop.call_soon_threadsafe(begun.set)

        monkeypatch.setattr(rendering, "_encode", watch)
        request = WalkRequest(seeds=(1, 2), frames=600, scale=8)
        keys = draw_inputs(release.manifest, request, request.seeds)
        removed, kept = tmp_path / "removed.mp4", tmp_path / "kept.mp4"
        for path, discard in ((removed, None), (kept, discarded.set)):
            begun.clear()
            walk = render_walk(
                engine,
                release.generator,
                keys,
                request,
                path,
                "mp4",
                timeout_s=PATIENCE_S,
                discard=discard,
            )
            task = asyncio.create_task(walk)
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await engine.close()
        assert discarded.is_set()
        assert list(tmp_path.iterdir()) == [kept], "whoever gave a way to discard it removes it himself"

    asyncio.run(leave())


@pytest.mark.parametrize("broken", [False, True])
def test_each_chunk_is_encoded_in_a_turn_of_its_requester_which_ends_with_it(
    release, tmp_path, monkeypatch, broken
):
    async def walk() -> CountedTurns:
        engine = WatchedEngine()
        turns = engine.walk_encoders = CountedTurns()
        if broken:
            monkeypatch.setattr(rendering, "_encode", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError) if broken else nullcontext():
            await render(engine, release, tmp_path / "walk.npy", frames=130, requester="me")
        await engine.close()
        await asyncio.sleep(0)  # what a thread told
        return turns

    turns = asyncio.run(walk())
    assert turns.taken == ["me"] * (1 if broken else 4)  # three chunks, and the file's end
    assert turns.ended == len(turns.taken)


def test_a_turn_is_short_however_large_the_frames(release, tmp_path):
    async def walk() -> CountedTurns:
        engine = WatchedEngine()
        turns = engine.walk_encoders = CountedTurns()
        path = tmp_path / "walk.npy"
        await render(engine, release, path, frames=10, scale=64, requester="me")
        await engine.close()
        assert np.load(path).shape == (10, 512, 512, 1)
        return turns

    assert SHORT_PIXELS == 4 * 512**2
    assert asyncio.run(walk()).pixels == [4 * 512**2, 4 * 512**2, 2 * 512**2, 10 * 512**2]  # and the end


def test_a_frame_that_is_larger_than_a_short_turn_has_one_of_its_own():
    images = np.zeros((3, 64, 64, 1), np.uint8)
    assert [(pixels, len(frames)) for pixels, frames in rendering.split_turns(images, 64)] == [(2**24, 1)] * 3


def test_a_walk_that_was_left_before_its_first_frames_has_cost_no_drawing_no_folder_and_no_thread(
    release, tmp_path, monkeypatch
):
    async def leave() -> None:
        engine, done = WatchedEngine(delay_s=PATIENCE_S), []
        monkeypatch.setattr(rendering, "walk_inputs", lambda *_: done.append("drawn"))
        monkeypatch.setattr(engine.walk_encoders, "submit", lambda *_, **__: done.append("thread"))
        request = WalkRequest(seeds=(1, 2), frames=600)
        keys = draw_inputs(release.manifest, request, request.seeds)
        walk = render_walk(
            engine,
            release.generator,
            keys,
            request,
            tmp_path / "walk.mp4",
            "mp4",
            timeout_s=PATIENCE_S,
            prepare=lambda: done.append("folder"),
            discard=lambda: done.append("let go"),
        )
        task = asyncio.create_task(walk)
        for _ in range(100):  # turns of the event loop: both chunks that may be under way are
            await asyncio.sleep(0)
        assert engine.in_flight == 2
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert done == ["let go"]
        assert engine.waiting_images == 0

    asyncio.run(leave())


@pytest.mark.parametrize("format", ["mp4", "npy", "zip", "png"])
def test_a_full_disk_is_told_without_a_path(release, tmp_path, format):
    path = tmp_path / f"walk.{format}"
    path.symlink_to("/dev/full")  # what is written there fails with ENOSPC
    with pytest.raises(Exhausted, match="disk is full") as refusal:
        asyncio.run(render(WatchedEngine(), release, path, format=format))
    assert str(tmp_path) not in str(refusal.value)
    assert problem_type(refusal.value).status == 503
    assert int(dict(headers_of(refusal.value))["Retry-After"]) > 0


@pytest.mark.parametrize("format", ["mp4", "npy", "zip", "png"])
def test_a_folder_that_is_away_or_read_only_is_told_without_a_path(release, tmp_path, format, caplog):
    def refuse():
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(tmp_path))

    for path, prepare in (
        (tmp_path / "away" / f"walk.{format}", None),
        (tmp_path / f"walk.{format}", refuse),
    ):
        with pytest.raises(Exhausted, match="cannot write to its temporary folder") as refusal:
            asyncio.run(render(WatchedEngine(), release, path, format=format, frames=4, prepare=prepare))
        assert str(tmp_path) not in str(refusal.value)
    assert str(tmp_path) in caplog.text
    assert "Traceback" not in caplog.text
