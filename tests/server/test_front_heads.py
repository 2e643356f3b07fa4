"""Heads of requests, and what stands behind and around bodies: bounded, and refused in a document."""

import hashlib
import socket
import time

import pytest

from service.http.security_headers import STRICT
from tests.conftest import run_server
from tests.raw_http import connect, read_answers, resident_bytes, send

GET = b"GET /livez HTTP/1.1\r\nHost: here\r\n"
POST = b"POST /generate HTTP/1.1\r\nHost: here\r\n"
LAST = b"Connection: close\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
ENDLESS = 24 * 2**20
"""Bytes of what has no end; the server must give up long before."""


@pytest.fixture(scope="module")
def locked(tiny_store, tmp_path_factory):
    """A server with a key."""
    keys = {"GANYMEDE_API_KEYS": f"me:{hashlib.sha256(b'mine').hexdigest()}"}
    with run_server(
        tiny_store, tmp_path_factory.mktemp("locked"), "--default-model", "grey", **keys
    ) as server:
        yield server


@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        pytest.param([GET, b"X: " + b"a" * 70_000 + b"\r\n" + LAST], 431, id="a field"),
        pytest.param([GET, b"X: a\r\n" * 101 + LAST], 431, id="fields"),
        pytest.param([b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n" + LAST], 414, id="an address"),
        pytest.param([GET, b"X: ", b"a" * ENDLESS], 431, id="a field without end"),
        pytest.param([GET, b"X: aaaaaaaaaaaa\r\n" * (ENDLESS // 17)], 431, id="fields without end"),
        pytest.param([b"GET /", b"a" * ENDLESS], 414, id="an address without end"),
        pytest.param([POST, CHUNKED, b"\r\n2\r\n{}\r\n0\r\nX: ", b"a" * ENDLESS], 431, id="a trailer"),
        pytest.param(
            [POST, CHUNKED, b"\r\n2\r\n{}\r\n0\r\n", b"X: a\r\n" * (ENDLESS // 6)], 431, id="trailers"
        ),
        pytest.param([POST, CHUNKED, b"\r\n2;", b"a" * ENDLESS], 431, id="a chunk's extension"),
    ],
)
def test_what_is_too_long_is_refused_in_a_document_and_kept_nowhere(server, pieces, status):
    before = resident_bytes(server.process.pid, most=True)
    [answer] = send(server.url, *pieces)
    assert (answer.status, answer.problem["status"]) == (status, status)
    assert answer.fields["connection"] == "close"
    assert answer.fields["x-request-id"]
    assert {name.encode(): value.encode() for name, value in answer.fields.items()}.items() >= set(STRICT)
    assert resident_bytes(server.process.pid, most=True) - before < ENDLESS / 2


def test_blank_lines_without_end_end_the_connection(server, client):
    answers = send(server.url, b"\r\n" * (ENDLESS // 2))
    assert [answer.status for answer in answers] in ([], [431])
    assert client.get("/livez").status_code == 200
    assert "Traceback" not in server.log.read_text()


def test_what_is_long_and_not_too_long_is_read(server):
    fields = b"X: " + b"a" * 600 + b"\r\n"
    [answer] = send(server.url, GET, fields * 90, LAST)
    assert answer.status == 200
    [answer] = send(server.url, b"GET /nothing?" + b"a" * 30_000 + b" HTTP/1.1\r\n" + LAST)
    assert answer.status == 404
    [answer] = send(server.url, POST, CHUNKED, LAST, b'1;a=b\r\n{\r\n1;c="d"\r\n}\r\n0\r\nX: y\r\n\r\n')
    assert answer.status == 200


def test_a_body_in_chunks_of_one_byte_is_read(server):
    body = b'{"seeds": [' + b", ".join(b"%d" % seed for seed in range(1000)) + b"]}"
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    [answer] = send(server.url, POST, CHUNKED, LAST, chunks, b"0\r\n\r\n")
    assert answer.status == 200


def test_a_refusal_comes_behind_the_answers_to_what_was_asked_before(server):
    order = b'{"seed": 1, "count": 300}'
    asked = POST + b"Content-Length: %d\r\n\r\n" % len(order) + order
    answers = send(server.url, asked + GET + b"\r\n" + GET + b"X: " + b"a" * 70_000 + b"\r\n" + LAST)
    assert [answer.status for answer in answers] == [200, 200, 431]
    assert answers[0].body.startswith(b"\x89PNG")


def test_requests_without_end_on_one_connection_are_answered_up_to_a_bound(server):
    answers = send(server.url, (GET + b"\r\n") * 5000)
    assert [answer.status for answer in answers[:-1]] == [200] * (len(answers) - 1)
    assert (answers[-1].status, answers[-1].problem["code"]) == (429, "too-many-waiting")
    assert 100 <= len(answers) < 2000


@pytest.mark.parametrize("field", [b"X-Api-Key: mine", b"Authorization: Bearer mine"])
def test_a_key_behind_the_body_opens_nothing(locked, field):
    chunks = b'd\r\n{"count": 1}\n\r\n0\r\n'
    whole = POST + CHUNKED + LAST + chunks + field + b"\r\n\r\n"  # at once: the fields come before the task
    [answer] = send(locked.url, whole)
    assert answer.status == 401
    [answer] = send(locked.url, POST, field + b"\r\n", CHUNKED, LAST, chunks + b"X: y\r\n\r\n")
    assert answer.status == 200


@pytest.mark.parametrize(
    ("field", "status"),
    [
        (b"Authorization: Basic \xe9", 401),
        (b"Authorization: Basic w6k6w6k=", 403),
        (b"Authorization: Basic /////w==", 401),
        (b"Authorization: Basic =", 401),
        (b"Authorization: Bearer \xe9\xff", 403),
        (b"X-Api-Key: \xe9\xff", 403),
        (b"Authorization: \xff", 401),
    ],
)
def test_a_key_that_is_no_ascii_is_refused(locked, field, status):
    [answer] = send(locked.url, POST, field + b"\r\nContent-Length: 2\r\n" + LAST + b"{}")
    assert (answer.status, answer.problem["status"]) == (status, status)
    assert "Traceback" not in locked.log.read_text()


@pytest.mark.parametrize(
    ("field", "status"),
    [
        (b"Content-Length: abc", 400),
        (b"Content-Length: -1", 400),
        (b"Content-Length: 99999999999999999999999", 400),
        (b"Content-Length: 2\r\nContent-Length: 3", 400),
        (b"Content-Length: 2\r\nTransfer-Encoding: chunked", 400),
        (b"Content-Length: 1000000000000000", 413),
        (b"Transfer-Encoding: gzip, chunked", 400),
        (b"Content-Encoding: \xff\xe9", 415),
        (b"Accept: \xff\xe9", 406),
        (b"Accept: " + b"a/b," * 15_000, 406),
        (b"Accept: a/b" + b";a" * 30_000, 406),
        (b'Accept: a/b;"' + b';"' * 30_000, 406),
        (b"X-Request-Id: \x1b[31m", 400),
        (b"X: a\x00b", 400),
        (b"X Y: a", 400),
        (b"nonsense", 400),
    ],
)
def test_a_field_that_cannot_be_meant_is_refused_in_a_document(server, field, status):
    [answer] = send(server.url, POST, field + b"\r\n" + LAST + b"{}")
    assert (answer.status, answer.problem["status"]) == (status, status)


@pytest.mark.parametrize("given", [b"a" * 129, b"a b", b"\xe9", b"", b"a\tb", b'"a"'])
def test_a_request_id_that_could_break_a_log_line_is_not_taken(server, given):
    [answer] = send(server.url, GET, b"X-Request-Id: " + given + b"\r\n" + LAST)
    assert answer.status == 200
    assert len(answer.fields["x-request-id"]) == 32
    [answer] = send(server.url, GET, b"X-Request-Id: " + b"a" * 128 + b"\r\n" + LAST)
    assert answer.fields["x-request-id"] == "a" * 128


@pytest.mark.parametrize(
    "line", [b"FOO / HTTP/1.1", b"get / HTTP/1.1", b"GET / HTTP/3.0", b"CONNECT a:1 HTTP/1.1"]
)
def test_a_line_that_is_no_request_is_refused_in_a_document(server, line):
    [answer] = send(server.url, line + b"\r\n" + LAST)
    assert answer.problem["code"] == "malformed"


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "DELETE", "PUT", "PATCH", "PROPFIND"])
def test_a_method_that_is_not_offered_is_refused_in_a_document(client, method):
    answer = client.request(method, "/generate")
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize("address", [b"/livez", b"http://elsewhere/livez", b"/livez?%zz=%"])
def test_the_ways_to_write_an_address_are_read(server, address):
    for version in (b"1.0", b"1.1"):
        [answer] = send(server.url, b"GET " + address + b" HTTP/" + version + b"\r\n" + LAST)
        assert answer.status == 200


@pytest.mark.parametrize("name", ["Upgrade", "upgrade", "UPGRADE"])
def test_a_client_that_would_rather_speak_http_2_is_answered_in_http_1(server, client, name):
    """As Java's own client asks, with every request."""
    body = b'{"seeds": [7], "format": "npy"}'
    upgrade = (
        f"Connection: Upgrade, HTTP2-Settings, close\r\n{name}: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAA\r\n"
    )
    head = POST + upgrade.encode() + b"Content-Length: %d\r\n\r\n" % len(body)
    [answer] = send(server.url, head + body)
    assert answer.body == client.post("/generate", content=body).content


def test_an_upgrade_whose_field_comes_in_two_pieces_loses_no_body(server):
    body = b'{"seeds": [7], "format": "npy"}'
    head = POST + b"Content-Length: %d\r\nConnection: Upgrade, close\r\nUp" % len(body)
    with connect(server.url) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(head)
        time.sleep(0.2)
        connection.sendall(b"grade: h2c\r\n\r\n" + body)
        [answer] = read_answers(connection)
    # In one piece after all it is passed over; otherwise it came too late for that.
    assert (answer.status, len(answer.body)) == (200, 128 + 64) or answer.problem["code"] == "upgrade-refused"
