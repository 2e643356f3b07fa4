"""What every answer tells a browser, whichever part of the service gives it."""

import httpx
import pytest
from fastapi.testclient import TestClient

from service.application import create_app
from service.settings import Settings
from tests.conftest import run_server

ASKED = (
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/ping"),
    ("GET", "/"),
    ("GET", "/favicon.ico"),
    ("GET", "/openapi.json"),
    ("GET", "/models"),
    ("GET", "/models/no-such"),
    ("GET", "/nothing"),
    ("GET", "/images/no-such/1.png"),
    ("HEAD", "/models"),
    ("PUT", "/generate"),
    ("OPTIONS", "/generate"),
    ("POST", "/generate"),
    ("POST", "/generate?x=1"),
    ("POST", "/latent-walk"),
    ("POST", "/invocations"),
    ("GET", "/v2/health/live"),
    ("GET", "/v2/models/grey"),
    ("GET", "/static-offline-docs/swagger-ui-bundle.js"),
    ("GET", "/ui"),
    ("GET", "/ui/nothing"),
)
OPEN_TO_ALL = ("/images/grey/1.png", "/models/grey/versions/v1/samples.png")


def read_policy(answer: httpx.Response) -> dict[str, str]:
    directives = (
        part.strip().partition(" ") for part in answer.headers["content-security-policy"].split(";")
    )
    return {name: sources for name, _, sources in directives}


def assert_safe(answer: httpx.Response) -> None:
    said = [name for name, _ in answer.headers.multi_items()]
    for name in ("x-content-type-options", "content-security-policy", "referrer-policy"):
        assert said.count(name) == 1, (answer.request.url, name)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    policy = read_policy(answer)
    assert policy["frame-ancestors"] == "'none'"
    assert policy["default-src"] in ("'none'", "'self'")
    assert "cross-origin-resource-policy" in said
    assert "access-control-allow-origin" not in said


def test_every_answer_says_what_browsers_may_do_with_it(client):
    for method, path in ASKED:
        answer = client.request(method, path, headers={"Origin": "https://elsewhere.example"})
        assert_safe(answer)
        assert read_policy(answer)["default-src"] == "'none'", path


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_documentation_may_run_its_own_scripts_and_nobody_elses(client, path):
    answer = client.get(path)
    assert_safe(answer)
    policy = read_policy(answer)
    assert policy["script-src"] == "'self' 'unsafe-inline'"
    assert "*" not in answer.headers["content-security-policy"]
    assert "http" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", OPEN_TO_ALL)
def test_pictures_with_an_address_can_be_shown_by_any_site_and_answers_of_programs_cannot(client, path):
    answer = client.get(path)
    assert_safe(answer)
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert client.get("/models").headers["cross-origin-resource-policy"] == "same-origin"
    assert client.get("/images").headers["cross-origin-resource-policy"] == "same-origin"


def test_a_service_with_keys_behind_a_prefix_says_so_too(tiny_store, tmp_path):
    key = f"me:{'0' * 64}"
    flags = ("--default-model", "grey", "--root-path", "/pre")
    with run_server(tiny_store, tmp_path, *flags, GANYMEDE_API_KEYS=key) as server, server.client() as client:
        for headers in ({}, {"X-Api-Key": "x"}, {"Authorization": "Basic x"}):
            for path in ("/generate", "/models", "/docs", "/images/grey/1.png"):
                answer = client.get(path, headers=headers)
                assert answer.status_code in (401, 403)
                assert_safe(answer)
            assert_safe(client.get("/ui/", headers=headers))


def test_an_error_that_nobody_foresaw_carries_them_and_the_requests_id(tiny_store):
    app = create_app(Settings(models=str(tiny_store), ui="off"))

    @app.get("/broken")
    async def fail() -> None:
        raise RuntimeError("a secret")

    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/broken", headers={"X-Request-Id": "mine"})
        assert (answer.status_code, answer.json()["code"]) == (500, "internal")
        assert "secret" not in answer.text
        assert answer.headers["x-request-id"] == "mine"
        assert_safe(answer)
