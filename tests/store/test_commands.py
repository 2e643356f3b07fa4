"""`ganymede models`, `promote`, `rollback` and `verify`, as a person types them."""

from pathlib import Path

import pytest

from foundation.store import FolderStore, open_store
from tests.store.bad_releases import publish_bad
from tests.store.conftest import S3
from tests.store.seaweed import S3Server
from tests.tiny_models import TinyModel, publish_tiny_model


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    for version in ("v1", "v2"):
        publish_tiny_model(folder, TinyModel(version=version))
    return folder


def test_models_shows_versions_aliases_and_sizes(call_ganymede, root: Path) -> None:
    publish_tiny_model(
        root, TinyModel(name="colour", channels=3, classes=("circle", "square")), alias="staging"
    )
    lines = call_ganymede("models", "--models", root).stdout.splitlines()
    assert len(lines) == 4
    assert lines[1].split()[:3] == ["colour", "v1", "staging"]
    assert lines[2].split()[:2] == ["grey", "v1"]
    assert "production" not in lines[2]
    assert "production" in lines[3]
    empty = call_ganymede("models", "--models", root / "none")
    assert "There is no model" in empty.stdout


def test_rollback_returns_to_the_version_before(call_ganymede, root: Path) -> None:
    result = call_ganymede("rollback", "grey", "--models", root)
    assert result.stdout == "grey@production is v1 again, it was v2.\n"
    assert FolderStore(root).aliases("grey").entries["production"].version == "v1"
    refused = call_ganymede("rollback", "grey", "--alias", "staging", "--models", root)
    assert refused.returncode == 1
    assert "no alias 'staging'" in refused.stderr


def test_verify_says_what_it_checked(call_ganymede, root: Path) -> None:
    result = call_ganymede("verify", "grey", "--models", root)
    assert result.returncode == 0, result.stderr
    assert "generator.onnx" in result.stdout
    assert "golden check: 4 seeds, every byte as recorded" in result.stdout
    assert result.stdout.endswith("grey@v2 is good.\n")


@pytest.mark.parametrize("kind", ["altered", "other-pictures", "external-data"])
def test_verify_of_a_bad_release_names_what_is_wrong(call_ganymede, root: Path, kind: str) -> None:
    publish_bad(root, "v3", kind)
    result = call_ganymede("verify", "grey@v3", "--models", root)
    assert result.returncode == 1
    assert "grey@v3" in result.stderr
    assert "is good" not in result.stdout


@S3
def test_the_commands_work_on_a_bucket(
    call_ganymede, s3_uri: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(s3_uri)
    publish_tiny_model(store, TinyModel(version="v1"))
    publish_tiny_model(store, TinyModel(version="v2"), alias=None)
    for arguments, says in (
        (("models",), "grey"),
        (("promote", "grey", "v2"), "is v2 now"),
        (("rollback", "grey"), "is v1 again"),
        (("verify", "grey"), "grey@v1 is good"),
    ):
        result = call_ganymede(*arguments, "--models", s3_uri)
        assert result.returncode == 0, result.stderr
        assert says in result.stdout
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    refused = call_ganymede("models", "--models", s3_uri)
    assert refused.returncode == 1
    assert refused.stderr == f"ganymede: {s3_uri}: the secret access key is wrong (SignatureDoesNotMatch).\n"


def test_a_file_in_a_stores_place_is_said_to_be_one(call_ganymede, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("")
    said = call_ganymede("models", "--models", tmp_path / "models")
    assert said.returncode == 1
    assert "models is a file; a model store is a folder." in said.stderr
