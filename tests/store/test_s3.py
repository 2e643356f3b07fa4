"""What only a store in S3 can show: publications cut off at any request, parts, and errors in words."""

import os
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from foundation.errors import AlreadyPublished, ReleaseRefused, StoreError, StoreUnreachable
from foundation.store import Store, describe_file, open_store, promote
from foundation.store.s3 import S3Store
from foundation.store.s3_write import PART_BYTES
from tests.store.conftest import S3, Overwrite
from tests.store.releases import describe_release, publish_bytes
from tests.store.seaweed import BUCKET, S3Server

pytestmark = S3
WRITES = ("PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload")


class Cut(BaseException):
    """The process ended here."""


@pytest.fixture
def store(s3_uri: str) -> S3Store:
    """An empty store in S3."""
    opened = open_store(s3_uri)
    assert isinstance(opened, S3Store)
    return opened


@contextmanager
def cut_off(store: S3Store, number: int, when: str) -> Iterator[None]:
    """End the block at its write `number`, `before-call` S3 hears of it or `after-call`."""
    writes = 0

    def count(model: Any, **_: object) -> None:
        nonlocal writes
        if model.name in WRITES:
            writes += 1
            if writes == number:
                raise Cut

    events = store._client.meta.events
    events.register(f"{when}.s3", count)
    try:
        yield
    finally:
        events.unregister(f"{when}.s3", count)


@pytest.mark.parametrize("when", ["before-call", "after-call"])
def test_cut_off_at_any_write_a_publication_is_invisible_and_a_second_run_completes_it(
    store: S3Store, tmp_path: Path, when: str
) -> None:
    contents = {
        "generator.onnx": os.urandom(2 * PART_BYTES + 1),
        "golden.npy": b"images",
        "metrics.json": b"{}",
    }
    manifest, files = describe_release(tmp_path / "release", contents)
    for number in range(1, 20):
        try:
            with cut_off(store, number, when):
                store.publish(manifest, files)
        except Cut:
            if store.versions("grey"):
                break  # the manifest was written, only its answer was lost
            assert store.models() == []
        else:
            break
    assert number == (7 if when == "before-call" else 6)  # what was written before is not written again
    assert store.versions("grey") == ["v1"]
    for path, content in contents.items():
        assert store.read(store.manifest("grey", "v1"), path) == content
    with pytest.raises(AlreadyPublished):
        store.publish(manifest, files)


def test_what_another_publication_left_is_never_mixed_in(store: S3Store, tmp_path: Path) -> None:
    manifest, files = describe_release(tmp_path / "first", {"generator.onnx": b"one", "metrics.json": b"{}"})
    with pytest.raises(Cut), cut_off(store, 2, "before-call"):
        store.publish(manifest, files)
    with pytest.raises(StoreError, match=r"generator\.onnx with other content was left"):
        publish_bytes(store, content=b"two")
    assert store.versions("grey") == []
    store.publish(manifest, files)
    assert store.read(manifest, "generator.onnx") == b"one"


@pytest.mark.parametrize("operation", ["manifest", "aliases"])
def test_a_write_whose_answer_got_lost_is_known_for_ours_when_it_is_sent_again(
    store: S3Store, operation: str
) -> None:
    publish_bytes(store, version="v0")
    lost: list[str] = []

    def lose(response: tuple[Any, Any] | None, request_dict: dict[str, Any], **_: object) -> int | None:
        if operation in request_dict["url_path"] and response and response[0].status_code == 200 and not lost:
            lost.append(request_dict["url_path"])
            return 0  # seconds until botocore sends the request again
        return None

    store._client.meta.events.register("needs-retry.s3.PutObject", lose)
    publish_bytes(store)
    promote(store, "grey", "v1")
    assert lost
    assert store.aliases("grey").entries["production"].version == "v1"


def test_a_large_file_goes_up_in_parts_with_little_memory_and_says_how_far_it_is(
    s3_uri: str, tmp_path: Path
) -> None:
    size = 12 * PART_BYTES + 5
    sent: list[tuple[str, int, int]] = []
    store = open_store(s3_uri, sent=lambda *progress: sent.append(progress))
    manifest, files = describe_release(tmp_path / "small", {"generator.onnx": b"g"})
    with files["generator.onnx"].open("wb") as file:
        for _ in range(size // PART_BYTES):
            file.write(os.urandom(PART_BYTES))
        file.write(b"12345")
    manifest = manifest.model_copy(update={"files": (describe_file(files["generator.onnx"]),)})
    publish_bytes(store, name="other")  # what the first upload allocates is not counted below
    sent.clear()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    store.publish(manifest, files)
    store.fetch(manifest, "generator.onnx", tmp_path / "copy")
    grown_bytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown_bytes < size * 0.9
    assert [done for _, done, _ in sent] == [*range(PART_BYTES, size, PART_BYTES), size]
    assert {(name, total) for name, _, total in sent} == {("generator.onnx", size)}


def test_a_file_that_changes_while_it_goes_up_is_not_completed(store: S3Store, tmp_path: Path) -> None:
    manifest, files = describe_release(tmp_path / "release", {"generator.onnx": os.urandom(2 * PART_BYTES)})
    files["generator.onnx"].write_bytes(os.urandom(2 * PART_BYTES))
    with pytest.raises(ReleaseRefused, match=r"generator\.onnx is not the file"):
        store.publish(manifest, files)
    assert list(store._keys("")) == []


def test_a_file_much_larger_than_the_manifest_says_is_refused_before_it_is_read(
    store: S3Store, overwrite: Overwrite, tmp_path: Path
) -> None:
    manifest = publish_bytes(store, content=b"graph")
    overwrite("grey/versions/v1/generator.onnx", bytes(4 * PART_BYTES))
    with pytest.raises(ReleaseRefused, match="should have 5 bytes and has 33,554,432"):
        store.fetch(manifest, "generator.onnx", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_document_of_many_megabytes_is_refused(store: S3Store, overwrite: Overwrite) -> None:
    publish_bytes(store)
    overwrite("grey/versions/v1/manifest.json", bytes(5 * 2**20))
    with pytest.raises(ReleaseRefused, match=r"manifest\.json has more than"):
        store.manifest("grey", "v1")


def everything_of(store: Store) -> list[Callable[[], object]]:
    return [store.models, lambda: store.aliases("grey"), lambda: store.manifest("grey", "v1")]


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "the secret access key is wrong"),
        ({"AWS_ACCESS_KEY_ID": "unknown"}, "the access key id is not known there"),
        ({"AWS_ACCESS_KEY_ID": "reader-key", "AWS_SECRET_ACCESS_KEY": "reader-secret"}, "may not do"),
        ({"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, "there are no AWS credentials"),
    ],
    ids=["secret", "key", "rights", "none"],
)
def test_wrong_credentials_are_named(
    s3_uri: str, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str | None], sentence: str
) -> None:
    for name, value in variables.items():
        monkeypatch.delenv(name) if value is None else monkeypatch.setenv(name, value)
    store = open_store(s3_uri)
    for ask in everything_of(store):
        with pytest.raises(StoreUnreachable, match=f"^{s3_uri}: .*{sentence}"):
            ask()
    assert store.failure is not None


def test_a_bucket_that_is_not_there_is_named(s3_prefix: str) -> None:
    store = open_store("s3://no-such-bucket/models")
    for ask in everything_of(store):
        with pytest.raises(StoreUnreachable, match=r"^s3://no-such-bucket/models: there is no such bucket"):
            ask()
    with pytest.raises(StoreUnreachable, match="no such bucket"):
        publish_bytes(store)


def test_a_server_that_is_not_there_is_named_and_forgotten_when_it_answers(
    s3_uri: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free.getsockname()[1]}")
    store = open_store(s3_uri)
    assert isinstance(store, S3Store)
    with pytest.raises(StoreUnreachable, match="nothing answers at http://127"):
        store.models()
    assert store.failure is not None
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_server.endpoint)
    store._client = S3Store(BUCKET)._client
    assert store.models() == []
    assert store.failure is None


@pytest.mark.parametrize("uri", ["http://bucket/models", "s3://", "s3:///models"])
def test_a_uri_that_means_no_store_is_refused(uri: str) -> None:
    with pytest.raises(StoreError, match="s3://bucket/prefix"):
        open_store(uri)
