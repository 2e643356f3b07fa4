"""The page's first moments: its document tells what it would ask for, and the first picture comes first."""

import hashlib
import json
import re

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient

from foundation.errors import StoreUnreachable
from service.application import create_app
from service.settings import Settings
from service.ui import beginning
from service.ui.assets import Assets
from tests.patience import PATIENCE_S, wait_until
from tests.tiny_models import TinyModel, publish_tiny_model
from tests.ui.conftest import draw

MOST_REQUESTS = 8


def read_beginning(text: str):
    found = re.search(r'<script type="application/json" id="beginning">(.*?)</script>', text)
    return json.loads(found[1]) if found else None


def fetch_told(url: str) -> str:
    """The document, once it tells: a server that is busy for half a second tells nothing."""
    told: list[str] = []

    def ask() -> bool:
        told.append(httpx.get(url, timeout=PATIENCE_S).text)
        return read_beginning(told[-1]) is not None

    wait_until(ask)
    return told[-1]


@pytest.fixture
def told_at_leisure(monkeypatch):
    """The document waits for as long as it takes."""
    monkeypatch.setattr(beginning, "LIMIT_S", PATIENCE_S)


@pytest.mark.usefixtures("told_at_leisure")
def test_the_document_tells_the_models_and_the_version_that_is_shown(tiny_store):
    with TestClient(create_app(Settings(models=str(tiny_store), default_model="colour"))) as client:
        client.post("/generate", json={"model": "grey@v2", "count": 1})
        told = read_beginning(client.get("/ui/").text)
        assert told["catalog"] == client.get("/models").json()
        assert told["version"] == client.get("/models/colour/versions/v1").json()
        other = read_beginning(client.get("/ui/?model=grey@v2").text)
        assert other["version"] == client.get("/models/grey/versions/v2").json()
        for stranger in ("grey@v9", "</script><script>alert(1)</script>", "@", "a@b@c", "x" * 3000):
            text = client.get("/ui/", params={"model": stranger}).text
            assert read_beginning(text)["version"]["name"] == "colour"
            assert "alert" not in text


@pytest.mark.usefixtures("told_at_leisure")
def test_whatever_numbers_a_version_was_published_with_its_page_is_shown(tmp_path):
    training = {"steps": 10**300, "loss": float("nan"), "rates": [float("inf"), -1e308]}
    publish_tiny_model(tmp_path, TinyModel(name="grey"), training=training)
    with TestClient(create_app(Settings(models=str(tmp_path)))) as client:
        client.post("/generate", json={"count": 1})
        answer = client.get("/ui/")
        assert answer.status_code == 200
        told = read_beginning(answer.text)["version"]
        assert told == client.get("/models/grey/versions/v1").json()
        assert told["training"] == {"steps": 10**300, "loss": None, "rates": [None, -1e308]}


@pytest.mark.usefixtures("told_at_leisure")
def test_nothing_is_told_to_who_has_no_key_nor_waited_for_where_the_store_is_away(tiny_store, monkeypatch):
    digest = hashlib.sha256(b"gmd_mine").hexdigest()
    with TestClient(create_app(Settings(models=str(tiny_store), api_keys=f"me:{digest}"))) as client:
        assert read_beginning(client.get("/ui/").text) is None
        assert read_beginning(client.get("/ui/", auth=("any", "gmd_mine")).text) is not None
    app = create_app(Settings(models=str(tiny_store), default_model="colour"))
    with TestClient(app) as client:
        store = app.state.context.releases.store

        def fail():
            raise StoreUnreachable("The store is away.")

        monkeypatch.setattr(store, "models", fail)
        answer = client.get("/ui/")
        assert (answer.status_code, read_beginning(answer.text)) == (200, None)


def test_what_a_class_is_called_cannot_end_the_element_that_names_it():
    told = {"classes": ["</script><script>alert(1)</script>", "<!--<script>"]}
    document = Assets().write_index(key_wanted=False, beginning=json.dumps(told).encode())
    text = document.content.decode()
    assert read_beginning(text) == told
    assert "alert(1)</script>" not in text
    assert "<!--<" not in text


def test_the_first_picture_takes_few_requests_and_none_for_the_models(visit, tiny):
    asked = []
    visit.page.on("request", lambda request: asked.append(request.url.removeprefix(tiny.url)))
    address = f"{tiny.url}/ui/?model=colour@v1&seed=0"
    told = fetch_told(address)
    visit.page.route(address, lambda route: route.fulfill(body=told, content_type="text/html"))
    visit.page.goto(address)
    visit.page.locator(".stage .player canvas.drawn").wait_for()
    before = list(asked)
    assert len(before) <= MOST_REQUESTS, before
    assert not [path for path in before if path.startswith("/models")]
    # The still goes out before the walk, and the walk before the wall: what is looked at comes first.
    drawing = [path for path in before if path in ("/generate", "/latent-walk")]
    assert drawing[:2] == ["/generate", "/latent-walk"]


def test_where_the_document_tells_nothing_the_page_asks(visit, tiny):
    def tell_nothing(route):
        answer = route.fetch()
        route.fulfill(
            response=answer, body=re.sub(r'<script type="application/json".*?</script>', "", answer.text())
        )

    visit.page.route("**/ui/?*", tell_nothing)
    visit.open(f"{tiny.url}/ui/?model=colour@v1&seed=3")
    visit.wait_until_settled()
    assert np.array_equal(
        visit.pixels('.tile[data-seed="4"] canvas'), draw(tiny, model="colour@v1", seeds=[4])
    )
