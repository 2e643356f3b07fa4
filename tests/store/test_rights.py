"""The policies of docs/store.md are enough, and grant nothing beyond the prefix."""

import json
import os
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from foundation.errors import ModelNotFound, StoreUnreachable
from foundation.store import open_store, promote, rollback
from foundation.store.s3_write import PART_BYTES
from tests.conftest import REPOSITORY, run_server
from tests.store.conftest import S3
from tests.store.releases import publish_bytes
from tests.store.seaweed import READER, WRITER, S3Server
from tests.tiny_models import TinyModel, publish_tiny_model

pytestmark = S3


def documented_policy(kind: str, bucket: str, prefix: str) -> list[dict[str, Any]]:
    """The statements for `reader` or `writer` in docs/store.md, for that user of the test server."""
    text = (REPOSITORY / "docs" / "store.md").read_text()
    found = re.search(rf"```json {kind}\n(.*?)```", text, re.DOTALL)
    assert found
    policy = json.loads(found[1].replace("BUCKET", bucket).replace("PREFIX", prefix))
    user = {"AWS": [f"arn:aws:iam::000000000000:user/{kind}"]}
    return [{**statement, "Principal": user} for statement in policy["Statement"]]


@pytest.fixture
def bucket(s3_server: S3Server) -> str:
    """A bucket whose policy lets the reader and the writer at `models/` alone."""
    name = f"rights-{uuid.uuid4().hex[:12]}"
    client = s3_server.client()
    client.create_bucket(Bucket=name)
    client.put_object(Bucket=name, Key="private/key", Body=b"private")
    statements = [
        *documented_policy("reader", name, "models"),
        *documented_policy("writer", name, "models"),
    ]
    client.put_bucket_policy(
        Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements})
    )
    return name


@pytest.fixture
def act_as(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Callable[[tuple[str, str]], None]:
    def change(keys: tuple[str, str]) -> None:
        for name, value in s3_server.variables(keys).items():
            monkeypatch.setenv(name, value)

    return change


def test_a_writer_publishes_in_parts_promotes_and_rolls_back(
    bucket: str, act_as: Callable[[tuple[str, str]], None]
) -> None:
    act_as(WRITER)
    store = open_store(f"s3://{bucket}/models")
    publish_bytes(store, version="v1", content=os.urandom(PART_BYTES + 1))
    publish_bytes(store, version="v2")
    promote(store, "grey", "v1")
    promote(store, "grey", "v2")
    rollback(store, "grey")
    assert store.aliases("grey").entries["production"].version == "v1"


def test_a_service_needs_no_more_than_the_readers_rights(
    bucket: str, act_as: Callable[[tuple[str, str]], None], s3_server: S3Server, tmp_path: Path
) -> None:
    act_as(WRITER)
    publish_tiny_model(open_store(f"s3://{bucket}/models"), TinyModel())
    cache = ("--cache", str(tmp_path / "cache"))
    with run_server(f"s3://{bucket}/models", tmp_path, *cache, **s3_server.variables(READER)) as server:
        assert httpx.post(f"{server.url}/generate", json={"seed": 1}).headers["X-Model"] == "grey@v1"
        assert httpx.get(f"{server.url}/models").json()["default"] == "grey@production"
    act_as(READER)
    store = open_store(f"s3://{bucket}/models")
    with pytest.raises(ModelNotFound):
        store.manifest("grey", "v7")
    with pytest.raises(StoreUnreachable, match="may not do PutObject"):
        promote(store, "grey", "v1", alias="staging")


@pytest.mark.parametrize("keys", [READER, WRITER], ids=["reader", "writer"])
def test_neither_gets_beyond_the_prefix_or_deletes(
    bucket: str, s3_server: S3Server, keys: tuple[str, str]
) -> None:
    client = s3_server.client(keys)
    s3_server.client().put_object(Bucket=bucket, Key="models/key", Body=b"1")
    attempts: list[Callable[[], object]] = [
        lambda: client.get_object(Bucket=bucket, Key="private/key"),
        lambda: client.put_object(Bucket=bucket, Key="private/new", Body=b"1"),
        lambda: client.list_objects_v2(Bucket=bucket, Prefix="private/"),
        lambda: client.list_objects_v2(Bucket=bucket),
        lambda: client.delete_object(Bucket=bucket, Key="models/key"),
    ]
    for attempt in attempts:
        with pytest.raises(ClientError, match="AccessDenied"):
            attempt()
    assert client.get_object(Bucket=bucket, Key="models/key")["Body"].read() == b"1"
