"""A real Chromium in front of a real server with the bundled models."""

import os
import shutil
import uuid
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.conftest import REPOSITORY, run_server
from tests.patience import PATIENCE_S
from tests.ui.stranger import SECRET, Stranger


def pytest_collection_modifyitems(items):
    """One worker has the browser; and a browser, a server and a page take their time on a busy machine."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))
            item.add_marker(pytest.mark.timeout(1200))


def find_chromium() -> str:
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    for name in filter(None, names):
        if path := shutil.which(name):
            return path
    pytest.skip("there is no Chromium: run tests/ui/install-chromium as root, or name one in CHROMIUM")


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(),
            args=["--no-sandbox", "--disable-dev-shm-usage"],
            timeout=PATIENCE_MS,
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def bundled(tmp_path_factory):
    """The server with the models of the repository."""
    with run_server(REPOSITORY / "models", tmp_path_factory.mktemp("ui")) as running:
        yield running


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """A folder whose `tmp` `open_page` uses for temporary files, beside files that it must not give away."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "tmp").mkdir()
    (folder / "tmp" / "secret.png").write_bytes(SECRET)
    (folder / "secret.svg").write_bytes(SECRET)
    return folder


@pytest.fixture(scope="session")
def open_page(tiny_store, place):
    """A server of tiny models, with classes by default and without keys."""
    variables = {"TMPDIR": str(place / "tmp"), "SECRET": SECRET.decode(), "GANYMEDE_DEFAULT_MODEL": "colour"}
    with run_server(tiny_store, place, **variables) as running:
        yield running


@pytest.fixture
def stranger(open_page):
    """Somebody who sends events without the page."""
    with Stranger(open_page.url, uuid.uuid4().hex) as stranger:
        yield stranger


PATIENCE_MS = 1000 * PATIENCE_S


class Visit:
    """A page, and what its console and its network said."""

    def __init__(self, page) -> None:
        self.page = page
        self.errors: list[str] = []
        self.hosts: set[str] = set()
        page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        page.on("response", self._note_refusal)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: "://" in request.url and self.hosts.add(request.url.split("/")[2]))

    def _note_refusal(self, response) -> None:
        if response.status >= 400:
            self.errors.append(f"{response.status} {response.url}")

    def open(self, url: str) -> None:
        self.page.goto(url)
        self.page.wait_for_function(
            "[...document.querySelectorAll('#pictures img')].filter(i => i.naturalWidth).length > 3"
        )

    def open_tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name).click()


@pytest.fixture
def visit(browser, request):
    """A visit, in the way that a test's parameter says; at its end nothing may have gone wrong in it."""
    options = {"viewport": {"width": 1200, "height": 900}, **getattr(request, "param", {})}
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE_MS)
    visit = Visit(context.new_page())
    yield visit
    context.close()
    # Chromium says the latter when any interface of the machine comes or goes, whatever the page does.
    assert [error for error in visit.errors if "ERR_NETWORK_CHANGED" not in error] == []
    assert len(visit.hosts) <= 1, visit.hosts
