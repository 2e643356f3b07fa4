"""What is bundled and published stays as it is: a change is a new version."""

import hashlib
import subprocess

import pytest

from tests.conftest import REPOSITORY

RECORD = REPOSITORY / "tests" / "data" / "published.sha256"


def published() -> dict[str, str]:
    """Sha256 in hexadecimal by path."""
    lines = (line.split(maxsplit=1) for line in RECORD.read_text().splitlines())
    return {path: digest for digest, path in lines}


@pytest.mark.parametrize(("path", "digest"), published().items())
def test_a_published_file_is_what_it_was(path, digest):
    assert hashlib.sha256((REPOSITORY / path).read_bytes()).hexdigest() == digest


def test_every_bundled_file_is_on_record():
    found = {
        path.relative_to(REPOSITORY).as_posix()
        for path in (REPOSITORY / "models").glob("*/versions/*/*")
        if path.is_file()
    }
    assert found == set(published())


@pytest.fixture
def changed_checkout(tmp_path):
    """A clone in which a published file was changed, its record with it, and a new version was added."""

    def git(*words: str) -> None:
        names = ["-c", "user.name=a", "-c", "user.email=a@example.invalid"]
        subprocess.run(["git", *names, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init", "--initial-branch=main")
    old = tmp_path / "models" / "m" / "versions" / "v1" / "generator.onnx"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"as published")
    git("add", ".")
    git("commit", "--message=publish")
    git("switch", "--create=change")
    new = tmp_path / "models" / "m" / "versions" / "v2" / "generator.onnx"
    new.parent.mkdir()
    new.write_bytes(b"another")
    git("add", ".")
    git("commit", "--message=a new version")
    return tmp_path, old, git


def check_frozen(folder):
    return subprocess.run(
        [REPOSITORY / "deploy" / "frozen", "main"], cwd=folder, capture_output=True, text=True, check=False
    )


def test_a_new_version_beside_the_old_ones_passes(changed_checkout):
    folder, _, _ = changed_checkout
    assert check_frozen(folder).returncode == 0


@pytest.mark.parametrize("change", ["rewritten", "removed"])
def test_a_change_of_a_published_version_is_refused_by_name(changed_checkout, change):
    folder, old, git = changed_checkout
    old.unlink() if change == "removed" else old.write_bytes(b"as improved")
    git("commit", "--all", "--message=improve")
    refused = check_frozen(folder)
    assert refused.returncode == 1
    assert "models/m/versions/v1/generator.onnx" in refused.stderr
