"""While the queue is full a request is refused by its head alone: the same answer, for less."""

import hashlib
import json
import socket
import threading
import time
from http.client import HTTPConnection
from urllib.parse import urlsplit

import httpx
import pytest

from tests.conftest import metric, run_server
from tests.patience import PATIENCE_S

KEY = {"X-Api-Key": "mine"}


@pytest.fixture(scope="module")
def full(tiny_store, tmp_path_factory):
    """A server behind a proxy's prefix whose queue has room for nothing, for as long as the tests take."""
    flags = "--default-model grey --max-batch-images 1 --max-queue-images 1 --max-images-per-request 1000000"
    flags += " --log-format json --root-path /pre --request-timeout-s 600 --max-pixels-per-response 100000000"
    order = {"seed": 1, "count": 1_000_000, "format": "npy"}
    keys = {"GANYMEDE_API_KEYS": f"me:{hashlib.sha256(KEY['X-Api-Key'].encode()).hexdigest()}"}
    with run_server(tiny_store, tmp_path_factory.mktemp("full"), *flags.split(), **keys) as server:

        def fill():
            with pytest.raises(httpx.HTTPError):
                httpx.post(f"{server.url}/generate", json=order, headers=KEY, timeout=1200)

        filling = threading.Thread(target=fill)
        filling.start()
        while filling.is_alive() and count(server, "ganymede_queue_images") == 0:
            time.sleep(0.02)
        assert filling.is_alive()
        yield server
        server.process.kill()
        filling.join()


def count(server, name):
    with server.client() as client:
        return metric(client, name)


def test_the_refusal_is_a_problem_document_counted_and_logged_under_its_id(full):
    refused = 'ganymede_requests_total{route="/generate",status="503"}'
    before = count(full, refused)
    answer = httpx.post(f"{full.url}/generate", json={"seed": 1}, headers={"X-Request-Id": "mine"})
    assert (answer.status_code, answer.json()["code"]) == (503, "queue-full")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == "mine"
    assert int(answer.headers["retry-after"]) >= 1
    assert {"date", "content-length"} <= set(answer.headers)
    assert count(full, refused) == before + 1
    lines = [json.loads(line) for line in full.log.read_text().splitlines() if '"mine"' in line]
    assert [(line["message"].rsplit(" ", 2)[0], line["status"]) for line in lines] == [
        ("POST /pre/generate 503", 503)
    ]


def test_nobody_is_asked_for_a_key_before_there_is_room(full):
    assert httpx.post(f"{full.url}/generate", json={"seed": 1}).status_code == 503
    assert httpx.get(f"{full.url}/models").status_code == 401


def test_what_the_client_has_already_needs_no_room(full, client):
    known = client.get("/images/grey@v2/7.png").headers["etag"]
    address = f"{full.url}/images/grey@v2/7.png"
    assert httpx.get(address, headers=KEY | {"If-None-Match": known}).status_code == 304
    assert httpx.get(address, headers=KEY | {"If-None-Match": '"another"'}).status_code == 503
    assert httpx.get(address, headers=KEY).status_code == 503


@pytest.mark.parametrize("path", ["/generate", "/latent-walk", "/invocations"])
def test_the_answer_is_that_of_a_request_whose_connection_ends(full, path):
    kept = httpx.post(f"{full.url}{path}", json={"seed": 1}, headers=KEY)
    ended = httpx.post(f"{full.url}{path}", json={"seed": 1}, headers=KEY | {"Connection": "close"})
    assert ended.headers["connection"] == "close"
    assert kept.status_code == ended.status_code == 503
    assert kept.json().keys() == ended.json().keys()
    assert set(kept.headers) == set(ended.headers) - {"connection"}


def test_the_connection_goes_on_after_a_refusal(full):
    address = urlsplit(full.url)
    connection = HTTPConnection(address.hostname, address.port, timeout=PATIENCE_S)
    for _ in range(3):
        connection.request("POST", "/generate", json.dumps({"seeds": list(range(20_000))}))
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["code"]) == (503, "queue-full")
        connection.request("GET", "/livez")
        answer = connection.getresponse()
        assert answer.status == 200
        answer.read()
    connection.close()


def test_requests_sent_without_waiting_are_answered_in_their_order(full):
    address = urlsplit(full.url)
    post = b"POST /generate HTTP/1.1\r\nX-Api-Key: mine\r\nContent-Length: 2\r\n\r\n{}"
    get = b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n"
    last = b"GET /livez HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S) as client:
        client.sendall(post * 2 + get + post * 40 + last)
        received = b"".join(iter(lambda: client.recv(65_536), b""))
    statuses = [part[:3] for part in received.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"503"] * 2 + [b"200"] + [b"503"] * 40 + [b"200"]


def test_the_refusal_tells_browsers_what_every_answer_does(full):
    answer = httpx.post(f"{full.url}/generate", headers=KEY)
    assert answer.status_code == 503
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["referrer-policy"] == "no-referrer"
