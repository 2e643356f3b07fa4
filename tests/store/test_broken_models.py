"""A model that is broken is shown as broken; every other one is served as if it were not there."""

import os
import resource
from pathlib import Path

import httpx
import pytest

from foundation.errors import ModelNotFound, StoreError
from foundation.store import FolderStore, Reference, parse_reference, promote, resolve_version
from service.releases.lookup import find_default
from tests.conftest import run_server
from tests.store.broken_models import KINDS, MANIFESTS, add_broken_model
from tests.store.releases import publish_bytes
from tests.store.test_reloading import serving, wait_until
from tests.tiny_models import TinyModel, publish_tiny_model


def add_strangers(root: Path) -> None:
    """What lies about in folders and is no model."""
    (root / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (root / "my model").mkdir()
    (root / "README").write_text("models")
    (root / "dangling").symlink_to(root / "nothing")
    (root / "round").symlink_to(root)
    Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9")).mkdir()
    for name in ("GREY", "grey "):
        (root / name / "versions" / "v1").mkdir(parents=True)
        (root / name / "versions" / "v1" / "manifest.json").write_text("{")
    versions = root / "grey" / "versions"
    (versions / "v0").mkdir()
    (versions / ".unfinished-abc").mkdir()
    (versions / "v 2").mkdir()
    (versions / "notes.txt").write_text("v3 is bad")
    (versions / "v4").mkdir()
    (versions / "v4" / "manifest.json").mkdir()
    (versions / "v5").symlink_to(versions / "v5")


def replace(path: Path, content: bytes) -> None:
    """Write a file so that nobody ever sees half of it."""
    path.with_suffix(".new").write_bytes(content)
    path.with_suffix(".new").replace(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A store with `grey`, which is well, among strangers."""
    folder = tmp_path / "models"
    publish_tiny_model(folder, TinyModel())
    add_strangers(folder)
    return folder


def test_what_is_no_model_or_version_is_passed_over(root: Path) -> None:
    store = FolderStore(root)
    assert store.models() == ["grey"]
    assert store.versions("grey") == ["v1"]


def test_a_service_among_broken_models_is_ready_and_says_of_each_what_is_wrong(
    root: Path, tmp_path: Path
) -> None:
    names = {add_broken_model(root, kind) for kind in KINDS}
    with run_server(root, tmp_path, "--reload-interval-s", "0.1") as server:
        ready = httpx.get(f"{server.url}/readyz").json()
        assert ready.get("model") == "grey@v1", ready
        assert serving(server) == "grey@v1"
        answer = httpx.get(f"{server.url}/models")
        assert answer.status_code == 200
        listed = {model["name"]: model for model in answer.json()["models"]}
        assert set(listed) == {"grey", *names}
        assert answer.json()["default"] == "grey@production"
        assert listed["grey"] == {
            "name": "grey",
            "versions": ["v1"],
            "loaded": {"v1": {"arithmetic": "float", "same_bytes_here": True}},
            "aliases": {"production": {"version": "v1", "previous": None}},
        }
        for name in names:
            assert len(listed[name]["error"]) < 500
            assert name in listed[name]["error"]
            assert str(root) not in listed[name]["error"]
            alone = httpx.get(f"{server.url}/models/{name}")
            assert alone.status_code in (200, 503)
            asked = httpx.post(f"{server.url}/generate", json={"model": name})
            assert asked.status_code in (404, 503)
            assert "internal" not in asked.json()["code"]
        publish_tiny_model(root, TinyModel(version="v6", weight_seed=6))
        wait_until(lambda: serving(server) == "grey@v6", "grey is followed")
        assert "Traceback" not in server.log.read_text()


def test_aliases_that_break_under_a_service_are_told_and_change_nothing_until_they_are_mended(
    root: Path, tmp_path: Path
) -> None:
    publish_tiny_model(root, TinyModel(name="other"))
    aliases = root / "other" / "aliases.json"
    with run_server(root, tmp_path, "--reload-interval-s", "0.1", "--default-model", "grey") as server:
        asked = {"model": "other", "count": 1}
        assert httpx.post(f"{server.url}/generate", json=asked).status_code == 200
        good = aliases.read_bytes()
        replace(aliases, b"{")

        def refused() -> dict[str, str]:
            answer = httpx.get(f"{server.url}/readyz")
            assert answer.status_code == 200
            found: dict[str, str] = answer.json().get("refused", {})
            return found

        wait_until(lambda: "other/aliases.json is not a valid" in refused().get("other", ""), "it is told")
        assert httpx.post(f"{server.url}/generate", json=asked).status_code == 200
        publish_tiny_model(root, TinyModel(version="v6", weight_seed=6))
        wait_until(lambda: serving(server) == "grey@v6", "grey is followed")
        replace(aliases, good)
        wait_until(lambda: not refused(), "all is well")
        assert server.log.read_text().count("other/aliases.json is not a valid") == 1


@pytest.mark.parametrize("kind", MANIFESTS)
def test_a_version_with_a_broken_manifest_or_file_is_refused_in_bounded_memory(root: Path, kind: str) -> None:
    publish_bytes(FolderStore(root), name="bad")
    change, sentence = MANIFESTS[kind]
    change(root / "bad")
    store = FolderStore(root)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises((StoreError, ModelNotFound), match=sentence) as refused:
        store.read(store.manifest("bad", "v1"), "generator.onnx")
    assert len(str(refused.value)) < 600
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # KiB


def test_aliases_that_an_editor_or_a_later_release_wrote_are_read_and_what_is_unknown_is_kept(
    root: Path,
) -> None:
    store = FolderStore(root)
    publish_bytes(store, version="v2")
    later = b'{"production": {"version": "v1", "share": 0.05}, "old": {"version": "v1", "x": 1}}'
    (root / "grey" / "aliases.json").write_bytes(b"\xef\xbb\xbf" + later)
    assert resolve_version(store, parse_reference("grey")) == "v1"
    promote(store, "grey", "v2")
    text = (root / "grey" / "aliases.json").read_text()
    assert '"share": 0.05' in text
    assert '"x": 1' in text
    manifest = root / "grey" / "versions" / "v1" / "manifest.json"
    manifest.write_bytes(b"\xef\xbb\xbf" + manifest.read_bytes().replace(b"{", b'{"later": [1],', 1))
    assert store.manifest("grey", "v1").version == "v1"


def test_the_default_is_found_among_broken_models_and_their_trouble_is_told_where_there_is_no_other(
    tmp_path: Path,
) -> None:
    name = add_broken_model(tmp_path, "no-json")
    with pytest.raises(StoreError, match=f"{name}/aliases.json"):
        find_default(FolderStore(tmp_path))
    publish_tiny_model(tmp_path, TinyModel())
    assert find_default(FolderStore(tmp_path)) == Reference("grey")


def test_of_ten_thousand_versions_a_missing_one_is_told_in_a_short_sentence(root: Path) -> None:
    versions = root / "grey" / "versions"
    for number in range(10, 10_010):
        (versions / f"v{number}").mkdir()
        (versions / f"v{number}" / "manifest.json").touch()
    store = FolderStore(root)
    assert store.versions("grey")[-1] == "v10009"
    with pytest.raises(ModelNotFound, match=r"v10009 and 9,981 before") as refused:
        resolve_version(store, parse_reference("grey@v7"))
    assert len(str(refused.value)) < 500


def test_models_lists_what_it_can_and_says_what_it_cannot(call_ganymede, root: Path) -> None:
    for kind in ("no-json", "link-loop", "versions-loop"):
        add_broken_model(root, kind)
    result = call_ganymede("models", "--models", root)
    assert result.returncode == 1
    assert "grey" in result.stdout
    assert "Traceback" not in result.stderr
    assert result.stderr.count("ganymede: ") == 3
