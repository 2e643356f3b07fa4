"""An endpoint is one file: from what it declares come a route, a description, a short way and refusals."""

import hashlib
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from openapi_spec_validator import validate
from PIL import Image

from service import endpoints
from service.application import create_app
from service.endpoints.registry import find_endpoints
from service.settings import Settings
from tests.conftest import metric
from tests.patience import PATIENCE_S, wait_until

TOYS = Path(__file__).parent / "toy_endpoints"
KEY = {"X-Api-Key": "mine"}
SEEDS = {"seeds": [1, 2, 5]}


@pytest.fixture(scope="module")
def service(tiny_store):
    """The service with one file more in the folder of its endpoints: `toy_endpoints/average.py`."""
    settings = Settings(
        models=str(tiny_store),
        default_model="grey",
        ui="off",
        root_path="/pre",
        api_keys=f"me:{hashlib.sha256(b'mine').hexdigest()}",
        request_timeout_s=PATIENCE_S,
    )
    with pytest.MonkeyPatch.context() as patch:  # others see the folder as it is
        patch.setattr(endpoints, "__path__", [*endpoints.__path__, str(TOYS)])
        app = create_app(settings)
    with TestClient(app, headers=KEY, root_path="/pre", client=("192.0.2.1", 5000)) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        yield client
    sys.modules.pop("service.endpoints.average")
    vars(endpoints).pop("average")


def pixels(content):
    return np.asarray(Image.open(io.BytesIO(content)))


def test_the_endpoints_are_the_files_of_the_folder():
    assert [endpoint.path for endpoint in find_endpoints()] == ["/generate", "/project", "/latent-walk"]


def test_a_file_in_the_folder_is_an_endpoint_that_answers(service):
    answer = service.post("/average", json=SEEDS)
    assert answer.status_code == 200, answer.text
    images = service.post("/generate", json=SEEDS | {"format": "npy"}).content
    wanted = np.load(io.BytesIO(images)).mean(axis=0).round()[:, :, 0]
    assert np.array_equal(pixels(answer.content), wanted)
    assert answer.headers["content-type"] == "image/png"
    assert {"x-model", "x-seed", "etag", "server-timing", "x-request-id"} <= set(answer.headers)


def test_its_format_is_the_requests_or_what_accept_allows(service):
    assert service.post("/average", json=SEEDS | {"format": "webp"}).headers["content-type"] == "image/webp"
    accepting = service.post("/average", json=SEEDS, headers={"Accept": "image/webp, image/*;q=0.5"})
    assert accepting.headers["content-type"] == "image/webp"
    assert service.post("/average", json=SEEDS, headers={"Accept": "video/mp4"}).status_code == 406


def test_it_has_a_route_that_says_which_method_it_is_for(service):
    answer = service.get("/average")
    assert (answer.status_code, answer.json()["code"]) == (405, "method-not-allowed")
    assert answer.headers["allow"] == "POST"


def test_it_is_described(service):
    description = service.get("/openapi.json").json()
    validate(description)
    operation = description["paths"]["/average"]["post"]
    assert operation["operationId"] == "average"
    body = operation["requestBody"]
    assert body["required"] is True
    name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert "seeds" in description["components"]["schemas"][name]["properties"]
    octets = "application/octet-stream"
    assert set(operation["responses"]["200"]["content"]) == {"image/png", "image/webp", octets}
    assert {"400", "401", "403", "404", "406", "413", "415", "422", "429", "431", "503", "504"} <= set(
        operation["responses"]
    )


def test_it_takes_the_short_way(service):
    """No route is left in FastAPI's table, and it still answers."""
    routes = service.app.router.routes
    kept = [*routes]
    try:
        routes.clear()
        assert service.get("/average").status_code == 404
        assert service.post("/average", json=SEEDS).status_code == 200
    finally:
        routes.extend(kept)


def test_its_errors_are_problem_documents(service):
    for fields, status, code in (
        ({"seeds": [1]}, 422, "invalid-field"),
        (SEEDS | {"colour": 1}, 422, "invalid-field"),
        (SEEDS | {"model": "none"}, 404, "model-not-found"),
    ):
        answer = service.post("/average", json=fields)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"
    assert service.post("/average", content=b"[").status_code == 400
    assert service.post("/average", json=SEEDS, headers={"X-Api-Key": "another"}).status_code == 403


def test_a_full_queue_refuses_it_before_its_key_and_its_body_are_read(service):
    engine = service.app.state.context.engine
    engine.room.take(engine.room.maximum)
    try:
        answer = service.post("/average", content=b"[", headers={"X-Api-Key": "another"})
    finally:
        engine.room.give_back(engine.room.maximum)
    assert (answer.status_code, answer.json()["code"]) == (503, "queue-full")
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["x-request-id"]


def test_a_body_that_is_announced_too_large_is_refused_by_its_head(service):
    answer = service.post(
        "/average", content=b"[", headers={"Content-Length": "6291457", "X-Api-Key": "another"}
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


def test_its_figures_go_by_its_own_route(service):
    answered = 'ganymede_requests_total{route="/average",status="200"}'
    before = metric(service, answered)
    service.post("/average", json=SEEDS)
    assert metric(service, answered) == before + 1


def test_sagemaker_reaches_it_by_its_task(service):
    answer = service.post("/invocations", json=SEEDS | {"task": "average"})
    assert answer.content == service.post("/average", json=SEEDS).content
    wrong = service.post("/invocations", json={"task": "average", "seeds": [1]})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "seeds")
    unknown = service.post("/invocations", json={"task": "sum"})
    assert (unknown.status_code, unknown.json()["field"]) == (422, "task")
    for task in ("average", "generate", "latent-walk"):
        assert task in unknown.json()["detail"]
