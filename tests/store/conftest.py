"""Both kinds of store, the second on a real S3 server that runs once in a test session."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from foundation.store import FolderStore, Store, open_store
from tests.store.seaweed import BUCKET, S3Server, run_seaweed

S3 = pytest.mark.xdist_group("s3")
"""Tests that need the S3 server run in one worker, so that there is one server."""

Overwrite = Callable[[str, bytes | None], None]


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """The server, with its keys of `tests.store.seaweed`."""
    with run_seaweed(tmp_path_factory.mktemp("seaweed")) as server:
        yield server


@pytest.fixture
def s3_prefix(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new prefix in the server's bucket, and the administrator's keys in the environment."""
    for name, value in s3_server.variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    return f"test-{uuid.uuid4().hex[:12]}/models"


@pytest.fixture
def s3_uri(s3_prefix: str) -> str:
    """The URI of a new, empty store on the S3 server."""
    return f"s3://{BUCKET}/{s3_prefix}"


@pytest.fixture(params=["folder", pytest.param("s3", marks=S3)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store of either kind."""
    if request.param == "folder":
        return FolderStore(tmp_path / "models")
    return open_store(request.getfixturevalue("s3_uri"))


@pytest.fixture
def overwrite(request: pytest.FixtureRequest, store: Store) -> Overwrite:
    """Replace, or with None remove, what lies at a path of the store, as no command of ours would."""

    def overwrite_file(path: str, content: bytes | None) -> None:
        if isinstance(store, FolderStore):
            target = store.root / path
            target.unlink() if content is None else target.write_bytes(content)
            return
        client = request.getfixturevalue("s3_server").client()
        key = {"Bucket": BUCKET, "Key": f"{request.getfixturevalue('s3_prefix')}/{path}"}
        client.delete_object(**key) if content is None else client.put_object(**key, Body=content)

    return overwrite_file
