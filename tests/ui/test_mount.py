"""Where the page hangs in the service: when it loads, when it does not, and how it ends."""

import importlib.util
import re
import signal
import socket
import socketserver
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from fastapi.testclient import TestClient

from service.application import create_app
from service.settings import Settings
from service.ui import mount
from tests.conftest import REPOSITORY, run_server
from tests.patience import PATIENCE_S
from tests.raw_http import connect, read_answer


def test_neither_readiness_nor_the_first_pictures_wait_for_the_page_whose_bodies_are_bounded(
    tiny_store, tmp_path
):
    with run_server(tiny_store, tmp_path, "--default-model", "grey") as server:
        assert httpx.post(f"{server.url}/generate").status_code == 200
        assert "the page at /ui is ready" not in server.log.read_text()
        assert "Ganymede" in httpx.get(f"{server.url}/", follow_redirects=True).text
        assert "the page at /ui is ready" in server.log.read_text()
        # Gradio's handlers read all that comes: the bound on it is the server's.
        head = b"POST /ui/gradio_api/queue/join HTTP/1.1\r\nContent-Type: application/json\r\n"
        with connect(server.url) as connection:
            connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
            with suppress(ConnectionError):
                for _ in range(64):
                    connection.sendall(b"100000\r\n" + b" " * 2**20 + b"\r\n")
            answer = read_answer(connection)
        assert (answer.status, answer.problem["code"]) == (413, "body-too-large")


def test_switched_off_there_is_no_page_and_the_root_leads_to_the_documentation(tiny_store, tmp_path):
    with run_server(tiny_store, tmp_path, "--default-model", "grey", GANYMEDE_UI="off") as server:
        assert httpx.get(f"{server.url}/").headers["location"] == "docs"
        assert httpx.get(f"{server.url}/ui/").status_code == 404


def test_without_gradio_the_root_leads_to_the_documentation(tiny_store, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "gradio" else find(name))
    app = create_app(Settings(models=str(tiny_store)))
    with TestClient(app) as client:
        assert client.get("/", follow_redirects=False).headers["location"] == "docs"
        assert client.get("/ui/").status_code == 404


def test_the_service_stops_while_a_page_is_open(visit, tmp_path):
    with run_server(REPOSITORY / "models", tmp_path, "--drain-timeout-s", "3000") as server:
        visit.open(f"{server.url}/ui/")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=PATIENCE_S) in (0, -signal.SIGTERM)
        visit.page.close()
        visit.errors.clear()  # the page may say that its server is gone


def test_a_page_that_could_not_be_put_together_is_tried_again(tiny_store, monkeypatch):
    folders = iter([OSError("no space left on device")])
    make = tempfile.mkdtemp
    folders_made = []

    def build_plain_page(context, path, folder):
        """Stands in for Gradio's, which takes seconds."""
        folders_made.append(folder.path)
        return SimpleNamespace(gate=PlainTextResponse("a page"), application=FastAPI())

    def fail_first(*arguments, **options):
        for error in folders:
            raise error
        return make(*arguments, **options)

    left = Path(make(prefix="ganymede-page-locked-"))  # by a process that was killed
    monkeypatch.setattr(tempfile, "mkdtemp", fail_first)
    monkeypatch.setattr(importlib, "import_module", lambda _: SimpleNamespace(build_page=build_plain_page))
    app = create_app(Settings(models=str(tiny_store)))
    with TestClient(app) as client:
        assert not left.exists()
        while client.get("/readyz").status_code != 200:
            time.sleep(0.02)
        for _ in range(2):  # the second is not tried: it is too soon
            answer = client.get("/ui/")
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            assert answer.headers["content-type"] == "application/problem+json"
            assert int(answer.headers["retry-after"]) == mount.RETRY_S
        monkeypatch.setattr(time, "monotonic", lambda now=time.monotonic: now() + mount.RETRY_S)
        assert client.get("/ui/").text == "a page"
        [folder] = folders_made
        assert folder.is_dir()
    assert not folder.exists()  # the page's files go with it


class PrefixProxy(socketserver.StreamRequestHandler):
    """Passes a connection on as a proxy does that takes `/pre` away; one request a connection."""

    upstream = 0

    def handle(self):
        head = self.rfile.readline().replace(b" /pre/", b" /", 1)
        while (line := self.rfile.readline()) != b"\r\n":
            head += b"Connection: close\r\n" if line.lower().startswith(b"connection:") else line
        with socket.create_connection(("127.0.0.1", self.upstream)) as upstream:
            upstream.sendall(head + b"\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            upstream.sendall(self.rfile.read(int(length[1])) if length else b"")
            with suppress(OSError):  # the browser may leave first
                while chunk := upstream.recv(65_536):
                    self.wfile.write(chunk)
                self.connection.shutdown(socket.SHUT_WR)
                self.rfile.read()


class PrefixServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128  # a browser opens many connections at once


@pytest.fixture
def proxied(tmp_path):
    """The address of a server behind a proxy under a path prefix."""
    with run_server(REPOSITORY / "models", tmp_path, "--root-path", "/pre") as server:
        PrefixProxy.upstream = int(server.url.rsplit(":", 1)[1])
        with PrefixServer(("127.0.0.1", 0), PrefixProxy) as proxy:
            thread = threading.Thread(target=proxy.serve_forever)
            thread.start()
            yield f"http://127.0.0.1:{proxy.server_address[1]}/pre"
            proxy.shutdown()
            thread.join(PATIENCE_S)


def test_the_page_works_behind_a_path_prefix(visit, proxied):
    visit.open(f"{proxied}/")
    assert visit.page.url == f"{proxied}/ui/"
    line = visit.page.locator("#generate-curl textarea").input_value()
    assert f"{proxied}/generate" in line
    visit.page.close()  # before the proxy goes
