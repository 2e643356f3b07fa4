"""What a visitor with an API key may ask of the page: as much as by curl."""

import hashlib

import httpx
import pytest

from tests.conftest import REPOSITORY, run_server

FIRST, KEY = "gmd_first", "gmd_visitor"
IMAGES = 130
VISITOR = {"http_credentials": {"username": "visitor", "password": KEY}}
"""What a browser does with what it asked the visitor for."""


@pytest.fixture
def strict(tmp_path):
    """A server that lets the key have 130 images in 130 seconds: the page's galleries, but no walk of 120."""
    keys = {"first": FIRST, "visitor": KEY}
    entries = [f"{name}:{hashlib.sha256(key.encode()).hexdigest()}" for name, key in keys.items()]
    variables = {
        "GANYMEDE_API_KEYS": ",".join(entries),
        "GANYMEDE_RATE_IMAGES_PER_S": "1",
        "GANYMEDE_MAX_IMAGES_PER_REQUEST": str(IMAGES),
    }
    with run_server(REPOSITORY / "models", tmp_path, **variables) as running:
        yield running


@pytest.mark.parametrize("visit", [VISITOR], indirect=True)
def test_a_browser_asks_for_the_key_and_what_the_page_makes_counts_for_it(strict, visit):
    assert httpx.get(f"{strict.url}/ui/", auth=("", FIRST)).status_code == 200  # it is loaded now
    visit.open(f"{strict.url}/ui/")
    visit.open_tab("Walk")
    visit.page.locator("#keys textarea, #keys input").fill("1, 5, 9")
    visit.page.locator("#walk").click()
    visit.page.get_by_text("The key 'visitor' has").first.wait_for()
    assert not visit.page.locator("#video video").is_visible()
    visit.errors.clear()  # the page says that the walk was refused
