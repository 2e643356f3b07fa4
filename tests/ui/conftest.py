"""A real Chromium, started once, in front of real servers: the bundled models, and tiny ones."""

import io
import os
import shutil
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from tests.conftest import REPOSITORY, run_server
from tests.patience import PATIENCE_S

TOLD_NOBODY = "the secret of this machine"
"""What no answer may hold: it is in a server's environment, and in a file beside its log."""

PATIENCE_MS = 1000 * PATIENCE_S
DRAWN = "() => document.querySelectorAll('.tile canvas.drawn').length > 3"


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


@pytest.fixture(scope="package")
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
def tiny(tiny_store, tmp_path_factory):
    """A server of tiny models, which draw at once: `colour` with classes by default, `grey` without."""
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "secret.txt").write_text(TOLD_NOBODY)
    with run_server(tiny_store, folder, "--default-model", "colour", SECRET=TOLD_NOBODY) as running:
        yield running


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
        """Go to a page with a wall, and wait for its first pictures."""
        self.page.goto(url)
        self.page.wait_for_function(DRAWN)

    def wait_until_settled(self) -> None:
        """Wait until every picture in sight is that of the controls."""
        self.page.wait_for_function("() => document.querySelector('.beside').easel.settled")

    def seeds(self) -> list[int]:
        """The seeds of the pictures in the document, in their order."""
        return self.page.evaluate(
            "[...document.querySelectorAll('.tile')].map(tile => Number(tile.dataset.seed))"
        )

    def pixels(self, selector: str) -> np.ndarray:
        """What a canvas shows, uint8 (height, width, 3)."""
        self.page.wait_for_function(f"() => document.querySelector({selector!r})?.width > 1")
        values, width = self.page.evaluate(
            "selector => { const canvas = document.querySelector(selector);"
            " const {data, width} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);"
            " return [[...data], width] }",
            selector,
        )
        return np.array(values, np.uint8).reshape(-1, width, 4)[:, :, :3]

    def wait_for_address(self, part: str) -> str:
        """Wait until the address holds `part`, and return it."""
        self.page.wait_for_function("part => location.href.includes(part)", arg=part)
        return self.page.url


def draw(server, **fields) -> np.ndarray:
    """What the API answers for one picture, uint8 (height, width, 3)."""
    answer = httpx.post(f"{server.url}/generate", json=fields, timeout=PATIENCE_S)
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB"))


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


def copied(visit, button: str) -> str:
    """What a button copies."""
    visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit.page.locator(button).click()
    visit.page.get_by_text("is copied").first.wait_for()
    return visit.page.evaluate("navigator.clipboard.readText()")
