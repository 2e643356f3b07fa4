"""Page and documentation in a real browser under their policies, and before other sites."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.patience import PATIENCE_S

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
        thread.join(PATIENCE_S)


def test_another_site_may_show_a_picture_by_its_address_and_nothing_else(visit, elsewhere):
    visit.page.goto(elsewhere)
    visit.page.wait_for_function("() => [...document.images].every(image => image.complete)")
    widths = visit.page.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert widths == [28, 0]
    assert any("ERR_BLOCKED_BY_RESPONSE" in error for error in visit.errors)
    visit.errors.clear()
    visit.hosts.clear()
    visit.page.close()
