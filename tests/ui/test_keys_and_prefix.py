"""The page of a service with keys, behind a path prefix, and what it says of refusals."""

import hashlib
import json
import signal
import subprocess

import numpy as np
import pytest

from tests.conftest import run_server
from tests.patience import PATIENCE_S
from tests.ui.conftest import copied
from tests.ui.prefix_proxy import behind_prefix
from tests.ui.test_large import LARGE

KEY = "gmd_visitor"


@pytest.fixture(scope="module")
def guarded(tiny_store, tmp_path_factory):
    """A server with a key, whose addresses begin with `/pre` to the outside."""
    keys = {"GANYMEDE_API_KEYS": f"visitor:{hashlib.sha256(KEY.encode()).hexdigest()}"}
    flags = ("--default-model", "colour", "--root-path", "/pre")
    with (
        run_server(tiny_store, tmp_path_factory.mktemp("guarded"), *flags, **keys) as server,
        behind_prefix(server.url) as url,
    ):
        yield url


def forgive(visit, *statuses: int) -> None:
    """Let go of what the console says of refusals that were wanted."""
    marks = tuple(str(status) for status in statuses)
    visit.errors = [error for error in visit.errors if not any(mark in error for mark in marks)]


def refuse(route, status: int, retry_after: str, detail: str) -> None:
    """Answer a request of the page's as the service would."""
    body = json.dumps({"status": status, "code": "refused", "detail": detail})
    kind = "application/problem+json"
    route.fulfill(status=status, headers={"Retry-After": retry_after}, content_type=kind, body=body)


def test_the_key_is_asked_for_once_sent_as_a_header_and_in_no_address(visit, guarded, tmp_path):
    sent = []
    visit.page.on("request", lambda request: sent.append((request.url, request.headers.get("x-api-key"))))
    visit.page.goto(f"{guarded}/")
    field = visit.page.get_by_label("API key")
    field.fill("gmd_wrong")
    field.press("Enter")
    visit.page.get_by_text("This API key is not known here.").wait_for()
    visit.page.get_by_label("API key").fill(KEY)
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_function("() => document.querySelectorAll('.tile canvas.drawn').length > 3")
    assert visit.wait_for_address("model=colour@v1").startswith(f"{guarded}/ui/?")
    visit.page.reload()
    visit.page.wait_for_function("() => document.querySelectorAll('.tile canvas.drawn').length > 3")
    assert not visit.page.locator(".ask-key").is_visible()
    asked = [key for url, key in sent if "/generate" in url or "/latent-walk" in url]
    assert set(asked) == {KEY}
    assert not any("gmd_" in url for url, _ in sent)
    assert visit.page.evaluate("JSON.stringify(localStorage)") == "{}"
    visit.page.locator(".tile").nth(2).click()
    shown = visit.pixels(LARGE)
    line = copied(visit, ".lightbox #copy-curl")
    assert KEY not in line
    environment = {"GANYMEDE_KEY": KEY, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(line, shell=True, cwd=tmp_path, check=False, env=environment)  # noqa: S602 - as pasted
    assert done.returncode == 0
    with visit.page.expect_download() as download:
        visit.page.get_by_text("PNG", exact=True).click()
    assert download.value.path().read_bytes() == next(tmp_path.iterdir()).read_bytes()
    assert shown.any()
    visit.page.keyboard.press("Escape")
    visit.page.get_by_role("link", name="Models", exact=True).click()
    visit.page.get_by_role("heading", name="colour", exact=True).wait_for()
    visit.page.get_by_text("Apache-2.0").first.wait_for()
    forgive(visit, 401, 403)


def test_a_refusal_is_said_in_the_services_words_and_tried_again_when_it_says(visit, tiny):
    over = []

    def refuse_until_it_was_said(route):
        if over:
            route.continue_()
            return
        detail = '{"status": 503, "code": "queue-full", "detail": "The queue is full."}'
        route.fulfill(
            status=503, headers={"Retry-After": "1"}, content_type="application/problem+json", body=detail
        )

    visit.page.route("**/generate", refuse_until_it_was_said)
    visit.page.goto(f"{tiny.url}/ui/?model=colour@v1&seed=0")
    visit.page.get_by_text("The queue is full. Trying again in 1 s.").wait_for()
    over.append(True)
    visit.page.wait_for_function("() => document.querySelectorAll('.tile canvas.drawn').length > 3")
    visit.page.get_by_text("The queue is full").wait_for(state="detached")  # what was refused came, too
    forgive(visit, 503)


def test_a_refusal_that_lasts_is_said_and_no_storm_of_requests_follows(visit, tiny):
    asked = []

    def refuse(route):
        asked.append(route.request.url)
        detail = '{"status": 429, "code": "quota-exceeded", "detail": "The key has had its images of today."}'
        route.fulfill(
            status=429, headers={"Retry-After": "7000"}, content_type="application/problem+json", body=detail
        )

    visit.page.route("**/generate", refuse)
    visit.page.goto(f"{tiny.url}/ui/?model=colour@v1&seed=0")
    visit.page.get_by_text("The key has had its images of today. It may work in 7000 s.").first.wait_for()
    visit.page.wait_for_timeout(600)
    assert len(asked) <= 4
    forgive(visit, 429)


def test_a_slow_network_shows_the_frame_at_once_and_the_pictures_when_they_come(visit, tiny):
    waiting, slow = [], [True]
    visit.page.route("**/generate", lambda route: waiting.append(route) if slow else route.continue_())
    visit.page.goto(f"{tiny.url}/ui/?model=colour@v1&seed=0")
    visit.page.locator(".tile").nth(5).wait_for()
    visit.page.get_by_role("heading", name="This picture does not exist: colour.").wait_for()
    slow.clear()
    for route in waiting:
        route.continue_()
    visit.page.wait_for_function("() => document.querySelectorAll('.tile canvas.drawn').length > 3")


def test_the_service_stops_while_a_page_is_open(visit, tiny_store, tmp_path):
    with run_server(tiny_store, tmp_path, "--drain-timeout-s", "3000") as server:
        visit.open(f"{server.url}/ui/?model=grey@v1")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=PATIENCE_S) in (0, -signal.SIGTERM)
        visit.page.close()
        visit.errors.clear()  # the page may say that its server is gone


HOSTILE = (
    "model=<img src=x onerror=alert(1)>",
    "model=../../../etc/passwd",
    "model=javascript:alert(1)",
    "model=colour@v1&class=<script>alert(1)</script>",
    "model=colour@v1&seed=-1&truncation=NaN&at=1e99",
    "model=colour@v1&seed=99999999999999999999&truncation=1e400&share=x",
    "model=colour@v1&move=__proto__:9&move=constructor:1&move=x:Infinity&move=:",
    "model=colour@v1&picture=javascript:alert(1)&walk=<b>,1e9,-3",
    "view=javascript:alert(1)&model=colour@v1",
    "view=__proto__&model=colour@v1&way=__proto__&easing=constructor",
    "model=" + "a" * 3000,
    "&&&===%00%ff%c0%ae",
)


def test_a_hostile_address_shows_a_plain_page_and_runs_nothing(visit, tiny):
    said = []
    visit.page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    for query in HOSTILE:
        visit.open(f"{tiny.url}/ui/?{query}")
        assert "model=colour@v1" in visit.wait_for_address("model=colour@v1")
        assert visit.seeds()[0] == 0, query
        assert visit.page.locator("main img:not(#photo-in img), main script").count() == 0
        assert (
            visit.page.evaluate("Object.keys(Object.prototype).length + Object.keys(window.alert).length")
            == 0
        )
    visit.page.goto(
        f"{tiny.url}/ui/?view=walk&model=colour@v1&walk={','.join(['7'] * 500)}&frames=99999&fps=0"
    )
    visit.page.get_by_role("button", name="Key 1, seed 7").wait_for()
    assert visit.page.locator(".keys li").count() == 64
    assert said == []


def test_a_version_that_is_gone_is_said_and_another_shown(visit, tiny):
    visit.open(f"{tiny.url}/ui/?model=colour@v9&seed=4")
    visit.page.get_by_text("There is no model colour@v9 here; this is colour@v1.").wait_for()
    assert np.array_equal(visit.seeds()[:2], [4, 5])
