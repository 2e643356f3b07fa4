"""Page and documentation in a real browser under their policies, and what the page says of wrong values."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

PATTERN = "another page that would show this one"


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_documentation_is_drawn_under_its_policy(visit, bundled, path):
    visit.page.goto(bundled.url + path)
    visit.page.get_by_text("the same bytes for the same seed").first.wait_for()
    # ReDoc's own mark is on its makers' site; the policy keeps the visitor from asking there.
    visit.errors = [error for error in visit.errors if "cdn.redoc.ly" not in error]
    visit.hosts = {host for host in visit.hosts if host != "cdn.redoc.ly"}


def test_no_other_page_can_show_this_one_in_a_frame(visit, bundled):
    visit.page.set_content(f'<h1>{PATTERN}</h1><iframe src="{bundled.url}/ui/"></iframe>')
    visit.page.wait_for_function("() => document.querySelector('iframe').contentDocument === null")
    frame = visit.page.frames[1]
    assert "Ganymede" not in frame.content()
    assert any("frame-ancestors" in error for error in visit.errors)
    visit.errors.clear()


class Elsewhere(BaseHTTPRequestHandler):
    """Another site, with a page of a picture and of an answer that is for programs."""

    shown = ""

    def do_GET(self):
        body = f"<link rel=icon href=data:,><img src={self.shown}/images/fashion/7.png>"
        body += f"<img src={self.shown}/favicon.ico>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        """Nothing."""


@pytest.fixture
def elsewhere(bundled):
    Elsewhere.shown = bundled.url
    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        yield f"http://localhost:{site.server_address[1]}/"
        site.shutdown()
        thread.join(10)


def test_another_site_may_show_a_picture_by_its_address_and_nothing_else(visit, elsewhere):
    visit.page.goto(elsewhere)
    visit.page.wait_for_function("[...document.images].every(image => image.complete)")
    widths = visit.page.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert widths == [28, 0]
    assert any("ERR_BLOCKED_BY_RESPONSE" in error for error in visit.errors)
    visit.errors.clear()
    visit.hosts.clear()
    visit.page.close()


def test_a_text_of_megabytes_and_a_seed_too_large_are_answered_in_words(visit, bundled):
    visit.open(f"{bundled.url}/ui/")
    visit.open_tab("Walk")
    keys = visit.page.locator("#keys textarea, #keys input").first
    keys.evaluate(
        "(field, text) => { field.removeAttribute('maxlength'); field.value = text;"
        " field.dispatchEvent(new Event('input', {bubbles: true})) }",
        "1, " * 200_000,
    )
    visit.page.locator("#walk").click()
    visit.page.get_by_text("bytes that are read").first.wait_for()
    keys.fill("1, 99999999999")
    visit.page.locator("#walk").click()
    visit.page.get_by_text("seeds are from 0 to 4294967295").first.wait_for()
    visit.open_tab("Generate")
    visit.page.get_by_label("Keep this seed").check()
    visit.page.get_by_label("Seed", exact=True).fill("1e308")
    visit.page.locator("#generate").click()
    visit.page.get_by_text("a number from 0 to 4294967295").first.wait_for()
    visit.page.get_by_label("Seed", exact=True).fill("5")
    visit.page.locator("#generate").click()
    visit.page.wait_for_function(
        "document.querySelector('#generate-curl textarea').value.includes('\"seed\": 5,')"
    )
    assert httpx.get(f"{bundled.url}/livez", timeout=60).status_code == 200
    assert "Traceback" not in bundled.log.read_text()
    visit.errors.clear()  # the page says that some were refused
