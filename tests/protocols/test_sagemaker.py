"""The container contract of SageMaker, by a client that plays SageMaker."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager

import httpx
import pytest

from ganymede.container import sagemaker_variables
from service.settings import Settings
from tests.conftest import REPOSITORY, run_server
from tests.patience import PATIENCE_S, wait_until
from tests.tiny_models import TinyModel, publish_tiny_model

BODY_LIMIT_BYTES = 6 * 2**20


class SageMaker:
    """Calls a container as SageMaker does: two paths, known headers only, its limit of size."""

    def __init__(self, url):
        self._url = url

    def ping(self):
        return httpx.get(f"{self._url}/ping", timeout=PATIENCE_S)

    def invoke(self, body, *, content_type="application/json", accept="*/*"):
        headers = {"Content-Type": content_type, "Accept": accept}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        assert len(content) <= BODY_LIMIT_BYTES
        return httpx.post(f"{self._url}/invocations", content=content, headers=headers, timeout=PATIENCE_S)


@pytest.fixture
def sagemaker(server):
    return SageMaker(server.url)


def test_ping_says_yes_once_the_model_is_loaded(sagemaker):
    assert sagemaker.ping().status_code == 200


def test_ping_says_no_while_there_is_no_model(tmp_path):
    (tmp_path / "models").mkdir()
    with run_server(tmp_path / "models", tmp_path) as running:
        answer = SageMaker(running.url).ping()
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_invocation_gives_the_bytes_of_generate(sagemaker, client):
    fields = {"seeds": [3, 1, 4], "columns": 2, "format": "png"}
    invoked = sagemaker.invoke({"task": "generate", **fields})
    asked = client.post("/generate", json=fields)
    assert invoked.status_code == 200
    assert invoked.headers["content-type"] == "image/png"
    assert invoked.content == asked.content


def test_an_invocation_gives_the_bytes_of_a_walk(sagemaker, client):
    fields = {"seeds": [3, 1], "frames": 5, "model": "grey@v1", "format": "npy"}
    invoked = sagemaker.invoke({"task": "latent-walk", **fields})
    assert invoked.status_code == 200
    assert invoked.content == client.post("/latent-walk", json=fields).content


def test_latents_come_through_an_invocation_exactly(sagemaker, client):
    latents = [[0.1, -1.7976931348623157e300, 5e-324, 3, 1e-7, 0.30000000000000004]]
    fields = {"latents": [[min(max(value, -9), 9) for value in row] for row in latents], "format": "npy"}
    assert sagemaker.invoke({"task": "generate", **fields}).content == (
        client.post("/generate", json=fields).content
    )


def test_accept_chooses_the_format_of_an_invocation(sagemaker):
    answer = sagemaker.invoke({"task": "generate", "seed": 1}, accept="image/webp")
    assert answer.headers["content-type"] == "image/webp"


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({}, 422, "task"),
        ({"task": "train"}, 422, "task"),
        ({"task": "generate", "sed": 1}, 422, "sed"),
        ({"task": "generate", "frames": 3}, 422, "frames"),
        ({"task": "latent-walk"}, 422, "seeds"),
        ({"task": "generate", "seed": 10**400}, 422, "seed"),
        (b"nonsense", 400, "JSON"),
        (b'{"task": "generate", "truncation": NaN}', 422, "truncation"),
    ],
    ids=str,
)
def test_a_wrong_invocation_says_what_is_wrong(sagemaker, body, status, word):
    answer = sagemaker.invoke(body)
    assert answer.status_code == status
    assert word in answer.json()["detail"]


def test_a_store_in_sagemakers_folder_is_served(tmp_path):
    publish_tiny_model(tmp_path, TinyModel(name="grey"))
    assert sagemaker_variables(["serve"], {}, tmp_path) == {"GANYMEDE_MODELS": str(tmp_path)}


def test_sagemakers_folder_does_not_count_when_it_is_empty_or_a_store_is_named(tmp_path):
    assert sagemaker_variables(["serve"], {}, tmp_path) == {}
    publish_tiny_model(tmp_path, TinyModel(name="grey"))
    assert sagemaker_variables(["serve"], {"GANYMEDE_MODELS": "models"}, tmp_path) == {}
    assert sagemaker_variables(["serve", "--models=models"], {}, tmp_path) == {}
    assert sagemaker_variables(["train"], {}, tmp_path) == {}


@pytest.fixture
def run_container(tmp_path):
    """The container's entry point, with its own `/opt/ml`."""

    @contextmanager
    def run(**variables):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GANYMEDE_")}
        given = {"SAGEMAKER_BASE_DIR": str(tmp_path / "ml"), "GANYMEDE_PORT": "0", **variables}
        with (tmp_path / "log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "ganymede.container", "serve"],
                cwd=REPOSITORY,
                env={**environment, **given},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            yield process, tmp_path / "log"
        finally:
            process.kill()
            process.wait()

    return run


@pytest.mark.parametrize("named", [True, False])
def test_an_endpoint_serves_the_one_version_that_its_model_brought(run_container, tmp_path, named):
    publish_tiny_model(tmp_path / "s3", TinyModel(name="grey", version="v7"))
    folder = tmp_path / "ml" / "model"
    folder.parent.mkdir()
    shutil.copytree(tmp_path / "s3" / "grey" / "versions" / "v7", folder)  # as SageMaker lays a prefix out
    variables = {"GANYMEDE_MODELS": str(folder)} if named else {}
    with run_container(**variables) as (_, log):
        wait_until(lambda: "running on http" in log.read_text())
        url = re.search(r"running on (http://[\d.:]+)", log.read_text())[1]
        wait_until(lambda: httpx.get(f"{url}/ping").status_code == 200)
        assert httpx.get(f"{url}/readyz").json()["model"] == "grey@v7"
        assert SageMaker(url).invoke({"task": "generate", "seed": 1}).content.startswith(b"\x89PNG")


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("content", [{}, {"stray.txt": "x"}, {"manifest.json": "{}"}], ids=str)
def test_a_folder_without_a_model_starts_nothing_instead_of_the_bundled_ones(
    run_container, tmp_path, named, content
):
    folder = tmp_path / "ml" / "model"
    folder.mkdir(parents=True)
    for name, text in content.items():
        (folder / name).write_text(text)
    variables = {"GANYMEDE_MODELS": str(folder)} if named else {}
    with run_container(**variables) as (process, log):
        assert process.wait(timeout=PATIENCE_S) == 1
        assert str(folder) in log.read_text()
        assert "Traceback" not in log.read_text()


def test_sigterm_ends_the_server_in_less_than_sagemakers_thirty_seconds(tiny_store, tmp_path):
    limit_s = Settings(models=str(tiny_store)).drain_timeout_s
    assert limit_s < 30
    flags = ("--default-model", "grey", "--drain-timeout-s", str(limit_s))
    with run_server(tiny_store, tmp_path, *flags) as running:
        assert SageMaker(running.url).invoke({"task": "generate"}).status_code == 200
        os.kill(running.process.pid, signal.SIGTERM)
        running.process.wait(timeout=PATIENCE_S)
