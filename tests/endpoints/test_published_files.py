"""What is published beside a version's graph, by its address: the figures of its training."""

import json

from fastapi.testclient import TestClient

from service.application import create_app
from service.settings import Settings
from tests.conftest import REPOSITORY

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
