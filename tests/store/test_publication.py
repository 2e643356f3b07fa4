"""What every store promises of publication and reading."""

import errno
import fcntl
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from foundation.errors import AlreadyPublished, ModelNotFound, ReleaseRefused, StoreError, StoreUnreachable
from foundation.store import FolderStore, Store, next_version, promote
from tests.store.conftest import Overwrite
from tests.store.releases import describe_release, publish_bytes


def test_a_published_version_can_be_read_back(store: Store, tmp_path: Path) -> None:
    manifest = publish_bytes(store, content=b"graph")
    assert store.models() == ["grey"]
    assert store.versions("grey") == ["v1"]
    assert store.manifest("grey", "v1") == manifest
    assert store.read(manifest, "generator.onnx") == b"graph"
    store.fetch(manifest, "generator.onnx", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"graph"
    assert store.failure is None


def test_an_empty_store_has_no_models(store: Store) -> None:
    assert store.models() == []
    assert store.versions("grey") == []
    assert store.aliases("grey").entries == {}
    with pytest.raises(ModelNotFound, match="grey@v1"):
        store.manifest("grey", "v1")


@pytest.mark.parametrize("name", ["..", "", "../grey", "A", "a/b", "a" * 100])
def test_a_name_that_is_none_finds_nothing(store: Store, name: str) -> None:
    publish_bytes(store)
    assert store.versions(name) == []
    assert store.aliases(name).entries == {}
    with pytest.raises(ModelNotFound):
        store.manifest(name, "v1")
    with pytest.raises(ModelNotFound):
        store.manifest("grey", name)


def test_versions_are_listed_by_number(store: Store) -> None:
    for version in ("v10", "v9", "v1"):
        publish_bytes(store, version=version)
    assert store.versions("grey") == ["v1", "v9", "v10"]
    assert next_version(store, "grey") == "v11"
    assert next_version(store, "other") == "v1"


def test_publishing_a_version_twice_is_refused_and_changes_nothing(store: Store) -> None:
    first = publish_bytes(store, content=b"first")
    with pytest.raises(AlreadyPublished, match="grey@v1 exists"):
        publish_bytes(store, content=b"second")
    assert store.manifest("grey", "v1") == first
    assert store.read(first, "generator.onnx") == b"first"


def test_of_eight_publications_at_once_one_wins(store: Store) -> None:
    def publish(number: int) -> bytes | None:
        content = f"graph {number}".encode()
        try:
            publish_bytes(store, content=content)
        except Exception:
            return None
        return content

    with ThreadPoolExecutor(8) as pool:
        winners = [content for content in pool.map(publish, range(8)) if content]
    manifests = [store.manifest("grey", version) for version in store.versions("grey")]
    assert [store.read(manifest, "generator.onnx") for manifest in manifests] == winners
    assert len(winners) <= 1


class CutOff(dict[str, Path]):
    """Files of a release, of which only the first few can be had before the process ends."""

    def __init__(self, files: dict[str, Path], reads: int) -> None:
        super().__init__(files)
        self.reads = reads

    def __getitem__(self, path: str) -> Path:
        if self.reads == 0:
            raise KeyboardInterrupt
        self.reads -= 1
        return super().__getitem__(path)


@pytest.mark.parametrize("reads", [0, 1, 2])
def test_cut_off_before_any_file_nothing_is_visible_and_a_second_run_completes_it(
    store: Store, tmp_path: Path, reads: int
) -> None:
    contents = {"generator.onnx": b"graph", "golden.npy": b"images", "metrics.json": b"{}"}
    manifest, files = describe_release(tmp_path / "release", contents)
    with pytest.raises(KeyboardInterrupt):
        store.publish(manifest, CutOff(files, reads))
    assert store.models() == []
    with pytest.raises(ModelNotFound):
        store.manifest("grey", "v1")
    store.publish(manifest, files)
    assert {path: store.read(manifest, path) for path in contents} == contents


def test_killed_at_any_write_a_publication_into_a_folder_is_invisible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FolderStore(tmp_path / "models")
    manifest, files = describe_release(tmp_path / "release", {"generator.onnx": b"graph", "m.json": b"{}"})
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)  # who is killed cleans nothing up
    for writes in range(4):  # two files, the manifest, the folder
        synced: list[Path] = []

        def sync(path: Path, synced: list[Path] = synced, writes: int = writes) -> None:
            if len(synced) == writes:
                raise KeyboardInterrupt
            synced.append(path)

        with monkeypatch.context() as patch:
            patch.setattr("foundation.store.folder._sync", sync)
            with pytest.raises(KeyboardInterrupt):
                store.publish(manifest, files)
        assert store.models() == []
        assert store.versions("grey") == []
    store.publish(manifest, files)
    assert store.versions("grey") == ["v1"]


def test_a_file_that_is_not_the_manifests_is_not_published(store: Store, tmp_path: Path) -> None:
    manifest, files = describe_release(tmp_path / "release", {"generator.onnx": b"as described"})
    files["generator.onnx"].write_bytes(b"as changed!!")
    with pytest.raises(ReleaseRefused, match=r"generator\.onnx"):
        store.publish(manifest, files)
    assert store.versions("grey") == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"grap", "should have 5 bytes and has 4"),
        (b"graph!", "has 6"),
        (b"grasp", "sha256"),
        (None, "missing"),
    ],
)
def test_a_damaged_file_is_refused_by_name(
    store: Store,
    overwrite: Overwrite,
    content: bytes | None,
    sentence: str,
    tmp_path: Path,
) -> None:
    manifest = publish_bytes(store, content=b"graph")
    overwrite("grey/versions/v1/generator.onnx", content)
    with pytest.raises(ReleaseRefused, match=rf"grey@v1.*generator\.onnx.*{sentence}"):
        store.read(manifest, "generator.onnx")
    with pytest.raises(ReleaseRefused, match=r"generator\.onnx"):
        store.fetch(manifest, "generator.onnx", tmp_path / "copy")


def test_a_manifest_that_lies_elsewhere_or_is_none_is_refused(store: Store, overwrite: Overwrite) -> None:
    publish_bytes(store, version="v1")
    manifest = publish_bytes(store, version="v2")
    overwrite("grey/versions/v1/manifest.json", manifest.model_dump_json().encode())
    with pytest.raises(ReleaseRefused, match=r"grey@v1: manifest.json describes grey@v2"):
        store.manifest("grey", "v1")
    overwrite("grey/versions/v2/manifest.json", b'{"schema_version": 99}')
    with pytest.raises(ReleaseRefused, match="schema_version is 99"):
        store.manifest("grey", "v2")
    overwrite("grey/versions/v2/manifest.json", b"{")
    with pytest.raises(ReleaseRefused, match=r"grey@v2: manifest.json is not valid"):
        store.manifest("grey", "v2")


def test_a_version_without_a_manifest_does_not_exist(store: Store, overwrite: Overwrite) -> None:
    publish_bytes(store)
    overwrite("grey/versions/v1/manifest.json", None)
    assert store.models() == []
    assert store.versions("grey") == []


@pytest.mark.parametrize("when", ["copy", "manifest", "rename"])
def test_a_full_disk_ends_a_publication_in_words_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    store = FolderStore(tmp_path / "models")
    manifest, files = describe_release(tmp_path / "release", {"generator.onnx": b"graph"})

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    what = {
        "copy": "shutil.copyfile",
        "manifest": "pathlib.Path.write_bytes",
        "rename": "pathlib.Path.rename",
    }
    with monkeypatch.context() as patch:
        patch.setattr(what.get(when, "pathlib.Path.rename"), fail)
        with pytest.raises(StoreError, match=r"cannot be written: No space left.*Nothing was changed"):
            store.publish(manifest, files)
    assert list((tmp_path / "models" / "grey" / "versions").iterdir()) == []
    store.publish(manifest, files)
    assert store.versions("grey") == ["v1"]


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    store = FolderStore(tmp_path / "models")
    with pytest.raises(StoreError, match="cannot be written"):
        publish_bytes(store)
    with pytest.raises(StoreUnreachable, match="is a file; a model store is a folder"):
        store.models()


def test_an_alias_whose_lock_another_process_keeps_is_waited_for_only_so_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foundation.store.folder_lock.LOCK_TIMEOUT_S", 0.1)
    store = FolderStore(tmp_path)
    publish_bytes(store)
    with (tmp_path / "grey" / ".aliases.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StoreError, match="Another process has been moving an alias of grey"):
            promote(store, "grey", "v1")
    promote(store, "grey", "v1")
