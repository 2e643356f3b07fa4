"""A store that is silent or drips, and a release that never ends, keep nothing else waiting."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from foundation.errors import ModelNotFound, ReleaseRefused, StoreUnreachable, Unavailable
from foundation.manifest import Manifest
from foundation.store import Aliases, FolderStore, Reference, open_store, promote, rollback
from foundation.store.timed import TimedStore
from service.engine.devices import cpu_device
from service.engine.generator import Generator
from service.engine.threads import Threads
from service.http.requesters import current_requester, requesting
from service.releases.golden import check_golden
from service.releases.lookup import Release, Releases
from service.releases.reloading import Reloading
from tests.conftest import metric, run_server
from tests.patience import PATIENCE_S
from tests.store.odd_s3 import BUCKET, OddS3, run_odd_s3
from tests.store.releases import publish_bytes
from tests.store.test_reloading import serving, wait_until
from tests.tiny_models import TinyModel, publish_tiny_model, tiny_graph


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OddS3]:
    with run_odd_s3() as running:
        for name, value in running.variables().items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AWS_PROFILE", raising=False)
        yield running


def answer_of(ask: Callable[..., Any], *words: str) -> Any:
    """What a store answers; None where this machine was too busy for its time limit."""
    try:
        return ask(*words)
    except StoreUnreachable:
        return None


def store_calls() -> int:
    return sum(thread.name == "store call" for thread in threading.enumerate())


def test_a_call_to_a_store_that_drips_is_given_up_in_time_and_its_thread_ends(server: OddS3) -> None:
    far = open_store(f"s3://{BUCKET}/models", timeout_s=30)
    publish_bytes(far)
    store = TimedStore(far, call_timeout_s=1)
    wait_until(lambda: answer_of(store.models) == ["grey"], "it answers, within its limit")
    server.quirks.add("drip")
    for ask in (store.models, lambda: store.aliases("grey"), lambda: store.manifest("grey", "v1")):
        with pytest.raises(StoreUnreachable, match=r"^s3://odd/models: no whole answer within 1 s"):
            ask()
        assert store.failure is not None
    wait_until(lambda: store_calls() == 0, "the threads of the calls have ended, though it drips on")
    assert "drip" in server.quirks
    server.quirks.clear()
    wait_until(lambda: answer_of(store.models) == ["grey"], "it answers again")
    assert store.failure is None


class StuckStore(FolderStore):
    """A store on a disk that has gone: whoever asks for versions waits until `back` is set."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.back = threading.Event()

    def versions(self, model: str) -> list[str]:
        self.back.wait()
        return super().versions(model)


def test_calls_that_hang_for_good_are_bounded_in_number_and_the_next_is_refused_at_once(
    tmp_path: Path,
) -> None:
    publish_bytes(FolderStore(tmp_path))
    stuck = StuckStore(tmp_path)
    store = TimedStore(stuck, call_timeout_s=0.1, max_calls=2)
    for _ in range(2):
        with pytest.raises(StoreUnreachable, match=r"within 0\.1 s"):
            store.versions("grey")
    with pytest.raises(StoreUnreachable, match="2 calls to it are under way and do not end"):
        store.manifest("grey", "v1")
    stuck.back.set()
    wait_until(lambda: store_calls() == 0, "the calls have ended")
    wait_until(lambda: answer_of(store.versions, "grey") == ["v1"], "it answers, within its limit")
    assert store.failure is None


def test_what_waits_too_long_for_a_thread_or_finds_too_many_waiting_is_told_when_to_ask_again() -> None:
    release = threading.Event()

    async def use() -> None:
        threads = Threads("tests", max_running=2, max_waiting=1, wait_s=1)
        held = [asyncio.create_task(threads.run(release.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        waiting = asyncio.create_task(threads.run(release.wait))
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="2 calls for tests are under way and 1 wait") as refused:
            await threads.run(release.wait)
        assert refused.value.retry_after_s is not None
        with pytest.raises(Unavailable):
            await waiting
        release.set()
        assert await asyncio.gather(*held) == [True, True]
        assert await threads.run(lambda: 7) == 7
        assert threads.alive == 0

    asyncio.run(use())


def test_one_who_asks_a_slow_store_on_and_on_leaves_turns_and_places_to_others(tmp_path: Path) -> None:
    publish_tiny_model(tmp_path, TinyModel())
    store, asked, answer = FolderStore(tmp_path), Counter[str](), threading.Event()

    def hold(model: str, known: Aliases | None = None) -> Aliases:
        asked[model.partition("-")[0]] += 1
        if model.startswith("nobody"):
            answer.wait(PATIENCE_S)
        return FolderStore.aliases(store, model, known)

    store.aliases = hold

    async def check() -> None:
        releases = Releases(
            store,
            default_model=None,
            device=cpu_device(1),
            caller=current_requester,
            load_timeout_s=PATIENCE_S,
        )

        async def ask(name: str, model: str) -> object:
            with requesting({"client": (name, 1)}):
                return await releases.resolve(model)

        flood = [asyncio.create_task(ask("1.1.1.1", f"nobody-{number}")) for number in range(100)]
        done, _ = await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)
        assert all(isinstance(task.exception(), Unavailable) for task in done)
        found = await ask("2.2.2.2", "grey")
        assert isinstance(found, Release)
        assert asked["nobody"] <= 6
        assert asked["grey"] == 1
        answer.set()
        await asyncio.wait(flood)
        kinds = Counter(type(task.exception()) for task in flood)
        assert kinds[ModelNotFound] >= 6
        assert kinds[Unavailable] >= 100 - 6 - 24  # three quarters of the places
        assert kinds.total() == kinds[ModelNotFound] + kinds[Unavailable]
        await releases.residents.close()

    asyncio.run(check())


def test_a_service_whose_store_drips_answers_pictures_walks_and_the_truth_and_ends_when_told(
    server: OddS3, tmp_path: Path
) -> None:
    uri = f"s3://{BUCKET}/models"
    publish_tiny_model(open_store(uri), TinyModel(version="v1", weight_seed=1))
    flags = ("--reload-interval-s", "0.2", "--store-call-timeout-s", "2", "--cache", str(tmp_path / "cache"))
    with run_server(uri, tmp_path, *flags, **server.variables()) as running:
        with running.client() as client, ThreadPoolExecutor(40) as pool:
            wait_until(lambda: client.get("/readyz").status_code == 200, "it is ready")
            assert serving(running) == "grey@v1"
            server.quirks.add("drip")
            asked = [pool.submit(httpx.get, f"{running.url}/models/grey") for _ in range(60)]
            walk = client.post("/latent-walk", json={"seeds": [1, 2], "frames": 4, "format": "gif"})
            assert walk.status_code == 200
            assert serving(running) == "grey@v1"
            wait_until(lambda: metric(client, "ganymede_store_reachable") == 0, "the gauge says so")
            assert "no whole answer" in client.get("/readyz").json()["store"]["error"]
            answers = [each.result() for each in asked]
            assert {answer.status_code for answer in answers} <= {200, 503}  # 200: what is kept here
            assert all("Retry-After" in answer.headers for answer in answers if answer.status_code == 503)
            server.quirks.clear()
            publish_tiny_model(open_store(uri), TinyModel(version="v2", weight_seed=2))
            wait_until(lambda: serving(running) == "grey@v2", "the store is followed again")
            assert metric(client, "ganymede_store_reachable") == 1
            server.quirks.add("drip")
            wait_until(lambda: metric(client, "ganymede_store_reachable") == 0, "it drips again")
        began = time.monotonic()
        running.process.terminate()
        running.process.wait(timeout=PATIENCE_S)
        assert time.monotonic() - began < PATIENCE_S / 2  # what drips does so for hours


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """`grey` and `other`, each with v1 (in production), v2 and v3."""
    for name in ("grey", "other"):
        for version in ("v3", "v2", "v1"):
            publish_tiny_model(tmp_path, TinyModel(name=name, version=version))
    return tmp_path


def follow(root: Path, use: Callable[[Releases, Reloading], Awaitable[None]], **options: Any) -> None:
    async def run() -> None:
        releases = Releases(FolderStore(root), default_model="grey", device=cpu_device(1), **options)
        reloading = Reloading(releases, interval_s=1)
        try:
            for name in ("grey", "other"):
                await releases.resolve(name)
            await use(releases, reloading)
        finally:
            await reloading.close()

    asyncio.run(run())


def test_a_version_that_never_gets_ready_holds_back_neither_other_models_nor_a_rollback(root: Path) -> None:
    store, never = FolderStore(root), threading.Event()

    def warm_up(release: Release) -> None:
        if release.manifest.version == "v2":
            never.wait()

    async def use(releases: Releases, reloading: Reloading) -> None:
        async def meant(name: str) -> str:
            return (await releases.resolve(name)).manifest.reference

        async def follow_until(name: str, version: str) -> None:
            async with asyncio.timeout(PATIENCE_S):
                while await meant(name) != f"{name}@{version}":
                    await reloading.follow()

        promote(store, "grey", "v2")
        promote(store, "other", "v3")
        await follow_until("other", "v3")
        assert await meant("grey") == "grey@v1"
        promote(store, "other", "v2")
        await reloading.follow()
        promote(store, "grey", "v3")
        await follow_until("grey", "v3")  # both threads for loading are taken until their versions are slow
        assert await meant("other") == "other@v3"
        rollback(store, "other")
        await reloading.follow()
        assert await meant("other") == "other@v3"
        assert reloading.refusals == {}
        promote(store, "grey", "v1")
        await follow_until("grey", "v1")

    try:
        follow(root, use, warm_up=warm_up)
    finally:
        never.set()


def test_a_version_that_takes_longer_than_its_limit_is_refused_by_name(root: Path) -> None:
    never = threading.Event()

    def warm_up(release: Release) -> None:
        if release.manifest.version == "v2":
            never.wait()

    async def use(releases: Releases, reloading: Reloading) -> None:
        promote(FolderStore(root), "grey", "v2")
        production = Reference("grey")
        async with asyncio.timeout(PATIENCE_S):
            while production not in reloading.refusals:
                await reloading.follow()
        assert "grey@v2 could not be opened and checked within 0.1 s" in str(reloading.refusals[production])
        assert (await releases.resolve("grey")).manifest.version == "v1"

    try:
        follow(root, use, warm_up=warm_up, open_timeout_s=0.1)
    finally:
        never.set()


def endless_graph() -> bytes:
    """The tiny graph behind a loop of a million million turns."""
    model = onnx.load_model_from_string(tiny_graph(TinyModel()))
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Identity", ["go_on"], ["still"]), helper.make_node("Sin", ["old"], ["new"])],
        "turn",
        [
            value("turn", TensorProto.INT64, []),
            value("go_on", TensorProto.BOOL, []),
            value("old", TensorProto.FLOAT, None),
        ],
        [value("still", TensorProto.BOOL, []), value("new", TensorProto.FLOAT, None)],
    )
    turns = helper.make_tensor("turns", TensorProto.INT64, [], [10**12])
    model.graph.initializer.append(turns)
    loop = helper.make_node("Loop", ["turns", "", "latent"], ["turned"], body=body)
    model.graph.node[0].input[0] = "turned"
    model.graph.node.insert(0, loop)
    return model.SerializeToString()


def test_a_golden_check_without_an_end_is_ended(root: Path) -> None:
    manifest: Manifest = FolderStore(root).manifest("grey", "v1")
    generator = Generator(manifest, endless_graph(), cpu_device(1))
    with pytest.raises(ReleaseRefused, match=r"grey@v1: the golden check did not end within 0\.2 s"):
        check_golden(manifest, generator, None, timeout_s=0.2)
    good = Generator(manifest, tiny_graph(TinyModel()), cpu_device(1))
    assert check_golden(manifest, good, None, timeout_s=100).max_levels == 0
    assert good.generate(np.zeros((1, 6), np.float32)).shape == (1, 8, 8, 1)
