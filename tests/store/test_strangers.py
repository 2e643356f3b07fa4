"""What a store that fails tells of itself: the log has where it is and what it said, no answer has."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from foundation.store import open_store
from service.application import create_app
from service.settings import Settings
from tests.store.odd_s3 import BUCKET, FORBIDDEN, OddS3, run_odd_s3
from tests.tiny_models import TinyModel, publish_tiny_model

MODELS = ("grey", "other", "absent")
"""The default, which is loaded; one that is not; none."""


def ask_everywhere(client: TestClient, *models: str) -> Iterator[Any]:
    """The answer of every address to questions for which it has to ask the store."""
    paths = client.get("/openapi.json").json()["paths"]
    for model in models:
        named = f"{model}@v7"
        bodies = {
            "/generate": {"model": named},
            "/latent-walk": {"model": named, "seeds": [1, 2]},
            "/invocations": {"task": "generate", "model": named},
            "/project": {"model": named, "pictures": []},
        }
        tensors = {"inputs": [{"name": "seed", "shape": [1], "datatype": "INT64", "data": [7]}]}
        for path, methods in paths.items():
            versioned = "{version}" in path or path.startswith("/models/")
            values = {"name": model, "version": "v7", "seed": "7", "model": model if versioned else named}
            for method in methods:
                body = bodies.get(path, tensors) if method == "post" else None
                query = {"model": named, "seeds": "1,2"} if method == "get" else None
                yield client.request(method, path.format(**values), json=body, params=query)
        yield client.get("/ui/", params={"model": named})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OddS3]:
    """The server, and AWS's variables set for it."""
    monkeypatch.setattr("foundation.store.cached.PAUSE_S", 0.0)
    monkeypatch.setattr("foundation.store.s3_client.ATTEMPTS", 1)
    with run_odd_s3() as running:
        for name, value in running.variables().items():
            monkeypatch.setenv(name, value)
        yield running


def hold_their_tongues(client: TestClient, secrets: list[str], *models: str) -> list[int]:
    """Let no answer have any of `secrets`; their statuses."""
    answers = list(ask_everywhere(client, *models))
    for answer in answers:
        told = answer.text + "".join(answer.headers.values())
        assert not [secret for secret in secrets if secret in told], (answer.url, told)
    return [answer.status_code for answer in answers]


def test_no_answer_says_where_a_failing_store_in_s3_is_nor_what_it_said(
    server: OddS3, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    uri, cache = f"s3://{BUCKET}/models", tmp_path / "cache"
    store = open_store(uri)
    for model in MODELS[:2]:
        publish_tiny_model(store, TinyModel(name=model))
    secrets = ["s3://", f"127.0.0.1:{server.server_port}", "arn:aws", "host-7", "role/secret", str(tmp_path)]
    app = create_app(Settings(models=uri, cache=str(cache), default_model="grey"))
    with TestClient(app) as client:
        assert client.post("/generate").status_code == 200
        for quirk, models in {"forbid": MODELS[:2], "page": MODELS[1:2], "archived": MODELS[1:2]}.items():
            server.quirks = {quirk}
            statuses = hold_their_tongues(client, secrets, *models)
            assert 500 not in statuses
            assert statuses.count(503) > 5 or quirk == "archived"
        server.quirks = set()
        shutil.rmtree(cache)
        cache.write_text("no folder any more")
        assert 500 not in hold_their_tongues(client, secrets, "other")
    assert FORBIDDEN in caplog.text
    assert uri in caplog.text


def test_no_answer_says_in_which_folder_a_failing_store_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "models"
    for model in MODELS[:2]:
        publish_tiny_model(folder, TinyModel(name=model))
    with TestClient(create_app(Settings(models=str(folder), default_model="grey"))) as client:
        assert client.post("/generate").status_code == 200
        folder.rename(tmp_path / "away")
        folder.symlink_to(folder)  # who opens it goes round in circles
        statuses = hold_their_tongues(client, [str(tmp_path), "models/models"], *MODELS)
        assert 500 not in statuses
        assert statuses.count(503) > 5
    assert str(folder) in caplog.text
