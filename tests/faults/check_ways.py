"""Thousands of spellings of an address, none of which may lead past the keys."""

import hashlib
import itertools
import socket
import urllib.parse

import pytest

from service.http.addresses import OPEN_PATHS
from tests.conftest import run_server

KEY = "gmd_never-sent"
CLOSED = (
    "generate",
    "latent-walk",
    "models",
    "v2/models/grey",
    "ui/x",
    "docs",
    "images/grey@v1/1.png",
)
BETWEEN = (
    "/../", "/./../", "/..%2f", "%2f..%2f", "/%2e%2e/", "/%2e./", "/.%2e%2f", "\\..\\", "/..\\", "/%5c../",
    "%5c..%5c", "/..;/", ";/../", "/;/../", "/..%00/", "%00/../", "%0a/../", "%0d%0a/../", "/%252e%252e/",
    "//../", "/..//", "%3f/../", "%23/../", "/%c0%ae%c0%ae/", "/%u002e%u002e/", "%20/../", "/..%09/",
    "/x/../../",
)  # fmt: skip
BEFORE = ("/", "//", "/./", "/%2f", "/pre/", "/%2e/", "http://x/", "http://x//", "HTTP://livez/")
AFTER = (
    "",
    "/",
    "//",
    ".",
    "..",
    ";",
    ";livez",
    "?",
    "%20",
    "%00",
    "%2f",
    "/livez",
    "?livez",
    "%3flivez",
    "/..;/livez",
)
METHODS = ("GET", "POST", "HEAD", "OPTIONS", "PATCH", "get", "QUERY")
SIGNS = (b"\x89PNG", b"grey", b"openapi", b"<html", b"x-model:")


def spellings():
    for open_path, between, closed in itertools.product(sorted(OPEN_PATHS), BETWEEN, CLOSED):
        yield f"{open_path}{between}{closed}"
    for before, closed, after in itertools.product(BEFORE, CLOSED, AFTER):
        yield f"{before}{closed}{after}"
    for open_path, before, after in itertools.product(sorted(OPEN_PATHS), BEFORE, AFTER):
        spelt = f"{before}{open_path[1:]}{after}"
        target = urllib.parse.urlsplit(spelt) if "://" in spelt else None
        if urllib.parse.unquote(target.path if target else spelt.partition("?")[0]) not in OPEN_PATHS:
            yield spelt


@pytest.fixture(scope="module", params=["", "/pre"], ids=["no prefix", "prefix"])
def guarded(request, tiny_store, tmp_path_factory):
    """A server that knows one key."""
    variables = {
        "GANYMEDE_API_KEYS": f"alice:{hashlib.sha256(KEY.encode()).hexdigest()}",
        "GANYMEDE_ROOT_PATH": request.param,
    }
    folder = tmp_path_factory.mktemp("guarded")
    with run_server(tiny_store, folder, "--default-model", "grey", **variables) as running:
        yield running


def ask(server, method, way):
    parts = urllib.parse.urlsplit(server.url)
    head = f"{method} {way} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{{}}"
    content = b""
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connected:
        connected.sendall(head.encode())
        try:
            while chunk := connected.recv(65536):
                content += chunk
        except ConnectionResetError:
            pass
    return content


def test_no_spelling_leads_past_the_keys(guarded):
    tried = 0
    for number, way in enumerate(spellings()):
        method = METHODS[number % len(METHODS)]
        answer = ask(guarded, method, way)
        assert answer.startswith((b"HTTP/1.1 401 ", b"HTTP/1.1 400 ")), (method, way, answer[:200])
        body = answer.lower().partition(b"\r\n\r\n")
        assert not any(sign.lower() in body[0] + body[2] for sign in SIGNS), (method, way)
        tried += 1
    assert tried > 2500
