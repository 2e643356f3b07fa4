"""What is published beside a version's graph, by its address: the figures of its training."""

import json

from fastapi.testclient import TestClient

from foundation.store import describe_file
from service.application import create_app
from service.settings import Settings
from tests.conftest import REPOSITORY
from tests.patience import wait_until
from tests.tiny_models import TinyModel, publish_tiny_model

ADDRESS = "/models/fashion/versions/v2/metrics.json"


def test_the_figures_of_a_training_are_the_file_that_was_published():
    with TestClient(create_app(Settings(models=str(REPOSITORY / "models"), max_batch_images=1))) as client:
        answer = client.get(ADDRESS)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        published = REPOSITORY / "models/fashion/versions/v2/metrics.json"
        assert answer.content == published.read_bytes()
        assert len(json.loads(answer.content)["epochs"]) == 36
        missing = client.get("/models/fashion/versions/v9/metrics.json")
        assert (missing.status_code, missing.json()["code"]) == (404, "model-not-found")
        wait_until(lambda: client.get("/readyz").status_code == 200)  # a thread that loads ends with nobody


def test_published_files_count_as_answers_do_while_they_are_sent(tmp_path):
    samples = tmp_path / "samples.png"
    samples.write_bytes(b"\x89PNG" + bytes(300_000))
    size = samples.stat().st_size
    more = {"files": [describe_file(samples)], "paths": {"samples.png": samples}}
    publish_tiny_model(tmp_path / "models", TinyModel(), more=more)
    address = "/models/grey/versions/v1/samples.png"
    app = create_app(Settings(models=str(tmp_path / "models")))
    with TestClient(app) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        budget, room = app.state.context.budget, app.state.context.settings.max_bytes_in_flight
        with budget.hold(room - size + 1, "another"):
            refused = client.get(address)
            assert (refused.status_code, refused.json()["code"]) == (503, "bytes-full")
            assert client.head(address).status_code == 503
            assert client.get("/models/grey/versions/v1/metrics.json").status_code == 404
            assert budget.held_bytes == room - size + 1
        answer = client.get(address)
        assert answer.content == samples.read_bytes()
        assert client.head(address).headers["content-length"] == str(size)
        (tmp_path / "models/grey/versions/v1/samples.png").write_bytes(b"another")
        assert client.get(address).json()["code"] == "release-refused"
        assert budget.held_bytes == 0
