"""The cache: bounded, shared between processes, and never trusted."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from service.errors import ReleaseRefused, StoreError, StoreUnreachable
from service.store.cache import FileCache
from service.store.cached import open_cache
from tests.conftest import REPOSITORY
from tests.patience import PATIENCE_S
from tests.store.releases import entry

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


PROGRAM = """
import sys, time
from pathlib import Path
from service.store.cache import FileCache
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
