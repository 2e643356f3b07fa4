"""The cache: bounded, shared between processes, and never trusted."""

import errno
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from foundation.errors import ReleaseRefused, StoreError, StoreUnreachable
from foundation.store import FolderStore
from foundation.store.cache import FileCache
from foundation.store.cached import CachedStore, open_cache
from tests.conftest import REPOSITORY
from tests.patience import PATIENCE_S
from tests.store.releases import entry, publish_bytes

LIMIT_BYTES = 1000


@pytest.fixture
def cache(tmp_path: Path) -> FileCache:
    return FileCache(tmp_path / "cache", max_bytes=LIMIT_BYTES)


def writing(content: bytes, calls: list[bytes]) -> Callable[[Path], None]:
    def fetch(target: Path) -> None:
        calls.append(content)
        target.write_bytes(content)

    return fetch


def test_a_file_is_fetched_once(cache: FileCache) -> None:
    calls: list[bytes] = []
    for _ in range(3):
        assert cache.read(entry("g", b"content"), "m@v1", writing(b"content", calls)) == b"content"
    assert calls == [b"content"]


def test_a_file_that_was_damaged_in_the_cache_is_fetched_again(cache: FileCache) -> None:
    calls: list[bytes] = []
    file = entry("g", b"content")
    cache.read(file, "m@v1", writing(b"content", calls))
    (cache.folder / "files" / file.sha256).write_bytes(b"CONTENT")
    assert cache.read(file, "m@v1", writing(b"content", calls)) == b"content"
    assert len(calls) == 2


def test_what_is_not_what_its_entry_says_is_refused_and_not_kept(cache: FileCache) -> None:
    with pytest.raises(ReleaseRefused, match="m@v1: the content of g"):
        cache.read(entry("g", b"content"), "m@v1", writing(b"CONTENT", []))
    assert list((cache.folder / "files").iterdir()) == []


def test_the_cache_keeps_within_its_size_and_what_was_used_last(cache: FileCache) -> None:
    contents = [bytes([number]) * size for number, size in enumerate((300, 300, 300, 650))]
    for content in contents[:3]:
        cache.read(entry("g", content), "m@v1", writing(content, []))
        time.sleep(0.02)
    cache.read(entry("g", contents[0]), "m@v1", writing(b"", []))  # used again, so it stays
    time.sleep(0.02)
    cache.read(entry("g", contents[3]), "m@v1", writing(contents[3], []))
    assert cache.size_bytes() <= LIMIT_BYTES
    kept = {path.name for path in (cache.folder / "files").iterdir()}
    assert kept == {entry("g", contents[number]).sha256 for number in (0, 3)}


def test_a_file_larger_than_the_cache_is_refused_before_it_is_fetched(cache: FileCache) -> None:
    calls: list[bytes] = []
    with pytest.raises(ReleaseRefused, match="GANYMEDE_CACHE_MAX_BYTES"):
        cache.read(entry("g", bytes(LIMIT_BYTES + 1)), "m@v1", writing(b"", calls))
    assert calls == []


def test_what_a_fetch_that_failed_left_behind_is_gone(cache: FileCache) -> None:
    def fail(target: Path) -> None:
        target.write_bytes(b"half")
        raise StoreUnreachable("away")

    with pytest.raises(StoreUnreachable):
        cache.read(entry("g", b"content"), "m@v1", fail)
    assert list((cache.folder / "files").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"file/cache cannot be used.*GANYMEDE_CACHE"):
        open_cache(str(tmp_path / "file" / "cache"), max_bytes=LIMIT_BYTES)


def test_without_a_usable_home_the_cache_is_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    cache = open_cache(None, max_bytes=LIMIT_BYTES)
    assert cache.read(entry("g", b"content"), "m@v1", writing(b"content", [])) == b"content"
    assert tmp_path not in cache.folder.parents


@pytest.fixture
def far(tmp_path: Path) -> FolderStore:
    """What stands for a store far away."""
    return FolderStore(tmp_path / "far")


def spoil_with_a_file(cache: FileCache) -> None:
    for part in ("files", "locks"):
        (cache.folder / part).rmdir()
        (cache.folder / part).write_text("")


def spoil_by_removal(cache: FileCache) -> None:
    shutil.rmtree(cache.folder)
    cache.folder.write_text("")


def spoil_with_loops(cache: FileCache) -> None:
    for part in ("files", "locks"):
        (cache.folder / part).rmdir()
        (cache.folder / part).symlink_to(cache.folder / part)


@pytest.mark.parametrize("spoil", [spoil_with_a_file, spoil_by_removal, spoil_with_loops])
def test_where_the_cache_cannot_be_used_the_store_is_asked_and_that_is_said_once(
    far: FolderStore,
    cache: FileCache,
    caplog: pytest.LogCaptureFixture,
    spoil: Callable[[FileCache], None],
) -> None:
    manifest = publish_bytes(far, content=b"graph")
    spoil(cache)
    store = CachedStore(far, cache)
    for _ in range(3):
        assert store.manifest("grey", "v1") == manifest
        assert store.read(manifest, "generator.onnx") == b"graph"
        assert store.models() == ["grey"]
    assert 1 <= len(caplog.messages) <= 2  # of files, and of what is kept
    assert len(set(caplog.messages)) == len(caplog.messages)
    assert "The store in S3 is asked instead" in caplog.text


@pytest.mark.parametrize("when", ["write", "replace"])
def test_a_full_disk_under_the_cache_is_no_trouble_while_the_store_answers(
    far: FolderStore, cache: FileCache, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    manifest = publish_bytes(far, content=b"graph")
    store = CachedStore(far, cache)

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if when == "write":
        monkeypatch.setattr(far, "fetch", fail)
    else:
        monkeypatch.setattr(Path, "replace", fail)
    assert store.read(manifest, "generator.onnx") == b"graph"
    assert list((cache.folder / "files").iterdir()) == []


def test_a_file_larger_than_the_cache_is_read_without_it(far: FolderStore, cache: FileCache) -> None:
    content = bytes(LIMIT_BYTES + 1)
    manifest = publish_bytes(far, content=content)
    assert CachedStore(far, cache).read(manifest, "generator.onnx") == content
    assert list((cache.folder / "files").iterdir()) == []


def test_what_the_cache_holds_is_read_while_another_process_holds_its_lock(cache: FileCache) -> None:
    file = entry("g", b"content")
    cache.read(file, "m@v1", writing(b"content", []))
    with FileLock(cache.folder / "locks" / file.sha256[:2]):
        assert cache.read(file, "m@v1", writing(b"", [])) == b"content"


def test_a_lock_that_is_never_let_go_is_waited_for_only_so_long(
    far: FolderStore, cache: FileCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foundation.store.cache.LOCK_TIMEOUT_S", 0.1)
    manifest = publish_bytes(far, content=b"graph")
    with FileLock(cache.folder / "locks" / manifest.files[0].sha256[:2]):
        assert CachedStore(far, cache).read(manifest, "generator.onnx") == b"graph"


def test_what_is_kept_and_was_damaged_is_as_if_it_were_not_kept(far: FolderStore, cache: FileCache) -> None:
    publish_bytes(far)
    store = CachedStore(far, cache)
    store.manifest("grey", "v1")
    for path in (cache.folder / "stores").rglob("manifest.json"):
        path.write_bytes(b"{")
    away = StoreUnreachable("away")

    class Away(FolderStore):
        failure = away

        def manifest_text(self, model: str, version: str) -> bytes:
            raise away

    with pytest.raises(StoreUnreachable, match="away"):
        CachedStore(Away(far.root), cache).manifest("grey", "v1")


PROGRAM = """
import sys, time
from pathlib import Path
from foundation.store.cache import FileCache
from tests.store.releases import entry
folder = Path(sys.argv[1])
def fetch(target):
    with (folder / "fetches").open("a") as log:
        log.write("fetch\\n")
    target.write_bytes(b"con")
    time.sleep(0.5)
    target.write_bytes(b"content")
cache = FileCache(folder / "cache", max_bytes=1000)
sys.exit(cache.read(entry("g", b"content"), "m@v1", fetch) != b"content")
"""


def test_of_four_processes_at_once_one_fetches_and_all_get_the_file(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    processes = [subprocess.Popen(command, cwd=REPOSITORY) for _ in range(4)]
    assert [process.wait(timeout=PATIENCE_S) for process in processes] == [0] * 4
    assert (tmp_path / "fetches").read_text() == "fetch\n"
