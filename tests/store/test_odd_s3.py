"""Stores that speak S3's language with an accent of their own: they are understood, or quoted."""

import io
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foundation.errors import (
    AliasMoved,
    AlreadyPublished,
    ModelNotFound,
    ReleaseRefused,
    StoreDenied,
    StoreUnreachable,
)
from foundation.store import Store, open_store, promote, rollback
from foundation.store.s3_client import make_client
from foundation.store.s3_write import PART_BYTES
from tests.store.odd_s3 import BUCKET, OddS3, run_odd_s3
from tests.store.releases import describe_release, publish_bytes
from training.data import load_pictures
from training.errors import DataError
from training.shape import PictureSettings

MANIFEST = "models/grey/versions/v1/manifest.json"
GRAPH = "models/grey/versions/v1/generator.onnx"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OddS3]:
    """The server, and AWS's variables set for it."""
    with run_odd_s3() as running:
        for name, value in running.variables().items():
            monkeypatch.setenv(name, value)
        for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION"):
            monkeypatch.delenv(name, raising=False)
        yield running


@pytest.fixture
def store(server: OddS3) -> Store:
    return open_store(f"s3://{BUCKET}/models", timeout_s=20)


ACCENTS = [
    "refuse-checksums",
    "title-metadata",
    "plain-tags",
    "short-pages",
    "no-code",
    "no-ranges",
    "conflict",
    "region",
    "ignore-conditions",
]


@pytest.mark.parametrize("quirk", ["none", *ACCENTS])
def test_a_store_with_an_accent_takes_a_release_whole_and_moves_its_aliases(
    server: OddS3, store: Store, tmp_path: Path, quirk: str
) -> None:
    server.quirks.add(quirk)
    assert store.models() == []
    contents = {"generator.onnx": os.urandom(PART_BYTES + 100), "metrics.json": b"{}"}
    manifest, files = describe_release(tmp_path / "release", contents)
    store.publish(manifest, files)
    publish_bytes(store, version="v2")
    publish_bytes(store, name="other")
    assert store.models() == ["grey", "other"]
    assert store.versions("grey") == ["v1", "v2"]
    for path, content in contents.items():
        assert store.read(store.manifest("grey", "v1"), path) == content
    with pytest.raises(AlreadyPublished):
        publish_bytes(store, version="v2", content=b"second")
    promote(store, "grey", "v1")
    known = store.aliases("grey")
    assert store.aliases("grey", known) is known
    promote(store, "grey", "v2")
    rollback(store, "grey")
    assert store.aliases("grey").entries["production"].version == "v1"
    with pytest.raises(AliasMoved):
        store.swap_aliases("grey", known, known.moved("production", "v2"))
    with pytest.raises(ModelNotFound):
        store.manifest("grey", "v9")
    assert store.failure is None


def test_a_publication_that_was_cut_off_is_completed_where_names_of_metadata_come_back_otherwise(
    server: OddS3, store: Store, tmp_path: Path
) -> None:
    server.quirks.add("title-metadata")
    manifest, files = describe_release(tmp_path / "release", {"generator.onnx": b"graph"})
    store.publish(manifest, files)
    del server.objects[MANIFEST]
    store.publish(manifest, files)
    assert store.versions("grey") == ["v1"]


def test_a_store_that_ignores_conditions_is_found_out_and_said(
    server: OddS3, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        publish_bytes(store)
        assert "ignores conditions" not in caplog.text
        server.quirks.add("ignore-conditions")
        publish_bytes(store, version="v2")
    assert "ignores conditions" in caplog.text
    assert "from one place at a time" in caplog.text


def test_a_store_that_refuses_conditions_is_quoted_and_nothing_is_written_without_them(
    server: OddS3, store: Store
) -> None:
    server.quirks.add("no-conditions")
    with pytest.raises(StoreUnreachable, match="answered 501 NotImplemented to PutObject: A header you"):
        publish_bytes(store)
    assert server.objects == {}


REFUSALS = {
    "archived": "archived in the storage class GLACIER: restore it first",
    "redirect": "check AWS_REGION and AWS_ENDPOINT_URL_S3",
    "move": "check AWS_REGION and AWS_ENDPOINT_URL_S3",
}


@pytest.mark.parametrize("quirk", REFUSALS)
def test_what_a_store_refuses_is_said_with_what_to_do(server: OddS3, store: Store, quirk: str) -> None:
    publish_bytes(store)
    server.quirks.add(quirk)
    with pytest.raises((StoreUnreachable, ReleaseRefused), match=f"^s3://odd/models: .*{REFUSALS[quirk]}"):
        store.manifest("grey", "v1")


def test_an_object_in_an_archive_is_the_releases_trouble_and_not_the_stores(
    server: OddS3, store: Store
) -> None:
    publish_bytes(store)
    server.quirks.add("archived")
    with pytest.raises(ReleaseRefused, match="restore it first"):
        store.manifest("grey", "v1")
    assert store.failure is None


def test_a_server_that_is_no_s3_is_answered_in_words(server: OddS3, store: Store) -> None:
    server.quirks.add("page")
    for ask in (store.models, lambda: store.versions("grey")):
        with pytest.raises(StoreUnreachable, match=r"^s3://odd/models: .*answered no list of objects"):
            ask()
    with pytest.raises(ReleaseRefused, match="not valid"):
        store.manifest("grey", "v1")


def test_a_missing_key_where_nobody_may_list_is_a_refusal_that_is_not_taken_for_an_outage(
    server: OddS3, store: Store
) -> None:
    server.quirks.add("denied")
    with pytest.raises(StoreDenied, match=r"may not do GetObject there \(AccessDenied\)"):
        store.manifest("grey", "v1")


def test_a_download_goes_on_where_it_broke_off(server: OddS3, store: Store) -> None:
    content = os.urandom(3_000_000)
    manifest = publish_bytes(store, content=content)
    server.quirks.add("break")
    assert store.read(manifest, "generator.onnx") == content
    assert server.asked.count(("GET", GRAPH)) == 2
    server.quirks.add("no-ranges")
    server.asked.clear()
    with pytest.raises(StoreUnreachable, match="the connection broke"):
        store.read(manifest, "generator.onnx")
    assert server.asked.count(("GET", GRAPH)) == 3


def test_no_more_is_read_than_the_manifest_and_the_reader_say(server: OddS3, store: Store) -> None:
    manifest = publish_bytes(store, content=bytes(5000))
    with pytest.raises(ReleaseRefused, match=r"generator\.onnx has 5,000 bytes; at most 4,999 are read"):
        store.read(manifest, "generator.onnx", max_bytes=4999)
    server.objects[GRAPH] = (bytes(5001), {})
    with pytest.raises(ReleaseRefused, match=r"generator\.onnx should have 5,000 bytes and has 5,001"):
        store.read(manifest, "generator.onnx")


@pytest.mark.parametrize("region", ["eu-central-1", "cn-north-1", "us-gov-west-1"])
def test_aws_region_is_the_region_and_goes_before_boto3s_own_variable(
    monkeypatch: pytest.MonkeyPatch, region: str
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-1")
    assert make_client(1).meta.region_name == "ap-south-1"
    monkeypatch.setenv("AWS_REGION", region)
    meta = make_client(1).meta
    assert meta.region_name == region
    assert region in meta.endpoint_url


def test_an_upload_whose_last_answer_was_lost_is_not_lost(
    server: OddS3, store: Store, tmp_path: Path
) -> None:
    server.quirks.add("lose-completion")
    manifest, files = describe_release(tmp_path, {"generator.onnx": os.urandom(PART_BYTES + 100)})
    store.publish(manifest, files)
    assert store.versions("grey") == ["v1"]
    assert ("POST", GRAPH) in server.asked


def test_pictures_of_a_set_are_read_on_where_the_connection_broke(
    server: OddS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANYMEDE_PICTURES", str(tmp_path / "prepared"))
    server.quirks.add("break")
    noise = np.random.default_rng(0).integers(0, 256, (4, 40, 40, 3), np.uint8)
    for number, pixels in enumerate(noise):
        content = io.BytesIO()
        Image.fromarray(pixels).save(content, "PNG")
        server.objects[f"set/{'a//' if number % 2 else 'b/'}{number}.png"] = (content.getvalue(), {})
    settings = PictureSettings(size=40, held_out=0)
    pictures = load_pictures(f"s3://{BUCKET}/set", settings=settings)
    assert pictures.shape.class_names == ("a", "b")
    assert {image.tobytes() for image in pictures.images} == {pixels.tobytes() for pixels in noise}


def test_a_full_disk_is_no_fault_of_the_bucket_that_is_read(
    server: OddS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("GANYMEDE_PICTURES", str(tmp_path / "prepared"))
    client = make_client(1)
    monkeypatch.setattr(client, "download_file", fill)
    monkeypatch.setattr("training.data.s3.make_client", lambda _: client)
    server.objects["set/a.npz"] = (b"an archive", {})
    with pytest.raises(DataError, match=r"cannot be prepared in .*: No space left on device\. Name another"):
        load_pictures(f"s3://{BUCKET}/set")


def test_a_web_page_in_place_of_a_set_is_called_so(server: OddS3) -> None:
    server.quirks.add("page")
    with pytest.raises(DataError, match="is that the address of its S3 interface"):
        load_pictures(f"s3://{BUCKET}/set")
