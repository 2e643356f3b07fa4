"""Releases in memory: loaded once, bounded in number, and found by a look-up."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from foundation.errors import ModelNotFound, Unavailable
from foundation.manifest import Manifest
from foundation.store import FolderStore, Reference, promote
from service.engine.devices import cpu_device
from service.releases.lookup import Release, Releases, find_default
from service.releases.reloading import Reloading
from tests import tiny_models
from tests.patience import PATIENCE_S
from tests.tiny_models import TinyModel, publish_tiny_model


class WatchedStore(FolderStore):
    """A store that writes down what it is asked, and has manifests while it is open."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.asked: list[str] = []
        self.reached, self.open = threading.Event(), threading.Event()
        self.open.set()

    def manifest(self, model: str, version: str) -> Manifest:
        self.asked.append(f"manifest {model}@{version}")
        self.reached.set()
        assert self.open.wait(PATIENCE_S)
        return super().manifest(model, version)

    def aliases(self, model: str, *known: Any) -> Any:
        self.asked.append(f"aliases {model}")
        return super().aliases(model, *known)

    def versions(self, model: str) -> list[str]:
        self.asked.append(f"versions {model}")
        return super().versions(model)


@pytest.fixture
def store(tmp_path: Path) -> WatchedStore:
    """`grey` v1 to v4, v1 in production."""
    for number in range(4, 0, -1):
        publish_tiny_model(tmp_path, TinyModel(version=f"v{number}", weight_seed=number))
    return WatchedStore(tmp_path)


def run(store: FolderStore, use: Callable[[Releases], Awaitable[None]], **options: Any) -> None:
    async def run_within() -> None:
        releases = Releases(store, default_model="grey", device=cpu_device(1), **options)
        try:
            await use(releases)
        finally:
            await releases.residents.close()

    asyncio.run(run_within())


def test_fifty_who_wait_for_one_release_cause_one_load(store: WatchedStore) -> None:
    store.open.clear()

    async def use(releases: Releases) -> None:
        asking = [asyncio.ensure_future(releases.resolve("grey@v2")) for _ in range(50)]
        await asyncio.to_thread(store.reached.wait, PATIENCE_S)
        store.open.set()
        found = await asyncio.gather(*asking)
        assert len({id(release) for release in found}) == 1

    run(store, use)
    assert store.asked.count("manifest grey@v2") == 1


def test_what_is_loaded_is_found_without_asking_the_store_or_another_thread(store: WatchedStore) -> None:
    async def use(releases: Releases) -> None:
        first = [await releases.resolve(text) for text in (None, "grey", "grey@v1", "grey@production")]
        store.asked.clear()
        for text in (None, "grey", "grey@v1", "grey@production"):
            found = releases.resolve(text)
            with pytest.raises(StopIteration) as done:
                found.send(None)  # it never yields to the loop
            assert done.value.value is first[0]

    run(store, use)
    assert store.asked == []


def test_the_least_recently_used_leaves_and_the_default_never(store: WatchedStore) -> None:
    told: list[list[str]] = []

    def changed(releases: tuple[Release, ...]) -> None:
        told.append([release.manifest.version for release in releases])

    async def use(releases: Releases) -> None:
        await releases.resolve(None)
        await releases.resolve("grey@v2")
        await releases.resolve("grey@v3")
        await releases.resolve("grey@v2")
        await releases.resolve("grey@v4")
        assert sorted(told[-1]) == ["v1", "v2", "v4"]
        store.asked.clear()
        assert (await releases.resolve("grey@v3")).manifest.version == "v3"
        assert "manifest grey@v3" in store.asked
        assert sorted(told[-1]) == ["v1", "v3", "v4"]

    run(store, use, max_resident=3, changed=changed)


def test_who_holds_a_release_that_left_can_finish_and_then_it_is_freed(store: WatchedStore) -> None:
    async def use(releases: Releases) -> None:
        reloading = Reloading(releases, interval_s=60)
        held = await releases.resolve(None)
        freed = weakref.ref(held.generator)
        promote(store, "grey", "v2")
        await reloading.follow()
        assert (await releases.resolve(None)).manifest.version == "v2"
        import numpy as np

        assert held.generator.generate(np.zeros((2, 6), np.float32)).shape == (2, 8, 8, 1)
        del held
        async with asyncio.timeout(PATIENCE_S):
            while gc.collect() >= 0 and freed() is not None:  # noqa: ASYNC110 - a thread holds it as it ends
                await asyncio.sleep(0.02)

    run(store, use)


def test_a_version_is_warm_before_anyone_gets_it(store: WatchedStore) -> None:
    warm: list[tuple[str, bool]] = []

    def warm_up(release: Release) -> None:
        warm.append((release.manifest.version, threading.current_thread() is threading.main_thread()))

    async def use(releases: Releases) -> None:
        release = await releases.resolve(None)
        assert warm == [(release.manifest.version, False)]

    run(store, use, warm_up=warm_up)


def test_what_takes_too_long_to_load_is_answered_with_try_again_and_goes_on_loading(
    store: WatchedStore,
) -> None:
    async def use(releases: Releases) -> None:
        store.open.clear()
        with pytest.raises(Unavailable, match="grey@v2 is still being loaded"):
            await releases.resolve("grey@v2")
        store.open.set()
        release = None
        while release is None:
            with suppress(Unavailable):
                release = await releases.resolve("grey@v2")
        assert release.manifest.version == "v2"
        assert store.asked.count("manifest grey@v2") == 1

    run(store, use, load_timeout_s=0.1)


def test_what_does_not_exist_is_asked_for_once_between_two_looks(store: WatchedStore) -> None:
    async def use(releases: Releases) -> None:
        for _ in range(3):
            with pytest.raises(ModelNotFound, match="no version or alias 'v9'"):
                await releases.resolve("grey@v9")
        assert store.asked.count("versions grey") == 1
        publish_tiny_model(store, TinyModel(version="v9"), alias=None)
        releases.forget()
        assert (await releases.resolve("grey@v9")).manifest.version == "v9"

    run(store, use)


def test_only_aliases_in_use_are_followed_and_others_are_met_where_they_are(store: WatchedStore) -> None:
    promote(store, "grey", "v2", alias="staging")
    publish_tiny_model(store, TinyModel(name="other"))

    async def use(releases: Releases) -> None:
        reloading = Reloading(releases, interval_s=60)
        await releases.resolve(None)
        store.asked.clear()
        promote(store, "grey", "v3", alias="staging")
        store.asked.clear()
        await reloading.follow()
        assert store.asked == ["aliases grey"]
        assert (await releases.resolve("grey@staging")).manifest.version == "v3"
        promote(store, "grey", "v4", alias="staging")
        await reloading.follow()
        assert (await releases.resolve("grey@staging")).manifest.version == "v4"
        assert (await releases.resolve(None)).manifest.version == "v1"

    run(store, use)


def test_without_a_setting_the_oldest_model_is_the_default_and_a_new_one_takes_nobodys_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day, (name, version) in enumerate([("zebra", "v1"), ("ant", "v1"), ("zebra", "v2")], start=1):
        born = datetime(2026, 1, day, tzinfo=UTC)
        monkeypatch.setattr(tiny_models, "created_now", lambda born=born: born)
        publish_tiny_model(tmp_path, TinyModel(name=name, version=version))
    assert find_default(FolderStore(tmp_path)) == Reference("zebra")
    (tmp_path / "ant" / "versions" / "v1" / "manifest.json").write_text("{}")
    assert find_default(FolderStore(tmp_path)) == Reference("zebra")
