"""A page of another origin that asks the API with a key, as an app's own page does."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.conftest import run_server
from tests.patience import PATIENCE_S

KEY = "gmd_app"
ASK = """async ([url, key]) => {
  const headers = {"X-Api-Key": key, "Content-Type": "application/json"};
  const body = JSON.stringify({model: "colour@v1", seeds: [3, 1, 4], format: "npy"});
  try {
    const answer = await fetch(url + "/generate", {method: "POST", headers, body});
    const bytes = await answer.arrayBuffer();
    const names = ["X-Seed", "X-Model", "ETag", "X-Request-Id", "Server-Timing", "Retry-After"];
    return [answer.status, bytes.byteLength > 100, ...names.map(name => answer.headers.get(name))];
  } catch (error) {
    return String(error);
  }
}"""


class App(BaseHTTPRequestHandler):
    """The page of an app."""

    def do_GET(self):
        body = b"<!doctype html><link rel=icon href=data:,><title>An app</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing."""


@pytest.fixture
def app():
    with ThreadingHTTPServer(("127.0.0.1", 0), App) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        yield f"http://localhost:{site.server_address[1]}"
        site.shutdown()
        thread.join(PATIENCE_S)


def test_a_page_of_a_named_origin_asks_with_a_key_and_reads_the_headers_and_others_cannot(
    visit, app, tiny_store, tmp_path
):
    keys = f"app:{hashlib.sha256(KEY.encode()).hexdigest()}"
    with run_server(tiny_store, tmp_path, "--cors-origins", app, GANYMEDE_API_KEYS=keys) as server:
        visit.page.goto(app)
        status, came, seeds, model, tag, request, timing, retry = visit.page.evaluate(ASK, [server.url, KEY])
        assert (status, came, seeds, model, retry) == (200, True, "3,1,4", "colour@v1", None)
        assert tag.startswith('"')
        assert request
        assert timing.startswith("queue")
        refused = visit.page.evaluate(ASK, [server.url, "gmd_wrong"])
        assert refused[0] == 403
        visit.page.goto(app.replace("localhost", "127.0.0.1"))
        assert visit.page.evaluate(ASK, [server.url, KEY]).startswith("TypeError")
    visit.errors.clear()
    visit.hosts.clear()
