"""Fields behind the body of a request are no fields of its head (RFC 9110, section 6.5)."""

import hashlib
import json
import socket
import urllib.parse

import pytest

from tests.conftest import run_server

KEY = "gmd_behind-the-body"
HEAD = (
    "POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n"
    "Trailer: X-Api-Key, Authorization\r\nConnection: close\r\n{more}\r\n"
)
TRAILERS = [
    f"X-Api-Key: {KEY}",
    f"x-api-key: {KEY}",
    f"Authorization: Bearer {KEY}",
    f"X-Api-Key: {KEY}\r\nContent-Length: 2\r\nHost: other",
]


@pytest.fixture(scope="module")
def guarded(tiny_store, tmp_path_factory):
    """A server that knows one key."""
    keys = f"alice:{hashlib.sha256(KEY.encode()).hexdigest()}"
    folder = tmp_path_factory.mktemp("guarded")
    with run_server(tiny_store, folder, "--default-model", "grey", GANYMEDE_API_KEYS=keys) as running:
        yield running


def send(server, *pieces):
    parts = urllib.parse.urlsplit(server.url)
    content = b""
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connected:
        try:
            for piece in pieces:
                connected.sendall(piece.encode())
            while chunk := connected.recv(65536):
                content += chunk
        except (ConnectionResetError, BrokenPipeError):
            pass  # it had answered before it read all
    return content


@pytest.mark.parametrize("trailer", TRAILERS, ids=range(len(TRAILERS)))
@pytest.mark.parametrize(
    "path", ["/generate", "/latent-walk", "/invocations", "/v2/models/grey/infer", "/models"]
)
@pytest.mark.parametrize("pieces", ["at once", "piece by piece"])
def test_a_key_behind_the_body_lets_nothing_in(guarded, path, trailer, pieces):
    head = HEAD.format(path=path, more="")
    body, end = "2\r\n{}\r\n", f"0\r\n{trailer}\r\n\r\n"
    answer = send(guarded, head + body + end) if pieces == "at once" else send(guarded, head, body, end)
    lost = pieces != "at once" and answer == b""  # it refused the head, and closed before it read the rest
    assert lost or answer.startswith((b"HTTP/1.1 401", b"HTTP/1.1 400")), answer[:200]
    assert b"x-model" not in answer.lower()


@pytest.mark.parametrize("pieces", ["at once", "piece by piece"])
def test_a_right_key_in_the_head_is_not_undone_by_another_behind_the_body(guarded, pieces):
    head = HEAD.format(path="/generate", more=f"X-Api-Key: {KEY}\r\n")
    body, end = '13\r\n{"count": 1, "seed":7}\r\n'.replace("13", f"{22:x}"), "0\r\nX-Api-Key: other\r\n\r\n"
    answer = send(guarded, head + body + end) if pieces == "at once" else send(guarded, head, body, end)
    assert answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 400")), answer[:200]
    if answer.startswith(b"HTTP/1.1 400"):
        assert "code" in json.loads(answer.partition(b"\r\n\r\n")[2])
