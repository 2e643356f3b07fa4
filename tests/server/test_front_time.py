"""Clients that say nothing, half of it, or it drop by drop, or do not read: each is hung up on in time."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import run_server
from tests.patience import PATIENCE_S
from tests.raw_http import connect, parse_answers, read_answers

POST = b"POST /generate HTTP/1.1\r\nHost: here\r\n"
HANG_S = PATIENCE_S
"""Only a server that waits for ever takes as long."""


def announce(path):
    """The head of a large body."""
    return b"POST " + path + b" HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n"


@pytest.fixture(scope="module")
def hasty(tiny_store, tmp_path_factory):
    """A server that waits a second for anything."""
    flags = "--default-model grey --head-timeout-s 1 --body-timeout-s 1 --write-timeout-s 1 --keep-alive-s 1"
    flags += " --max-images-per-request 200000 --max-queue-images 400000"
    with run_server(tiny_store, tmp_path_factory.mktemp("hasty"), *flags.split()) as server:
        yield server


def drip(connection, piece, every_s=0.1):
    """Send `piece` again and again until the connection breaks."""

    def send():
        try:
            while True:
                connection.sendall(piece)
                time.sleep(every_s)
        except OSError:
            pass

    dripping = threading.Thread(target=send, daemon=True)
    dripping.start()
    return dripping


SILENT = b""
RESTING = b"GET /livez HTTP/1.1\r\n\r\n"
HALF_HEAD = b"GET /livez HTTP/1.1\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
UNREAD = b"GET /models HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n"
PATHS = [b"/generate", b"/latent-walk", b"/invocations", b"/v2/models/grey/infer"]
BODIES = [(b"", b""), (b"{", b""), (b"{", b" ")]
CHUNKS = [(b"1\r\n \r\n", b"1\r\n \r\n"), (b"0\r\nX: ", b""), (b"1;a", b"")]
SLOW = [
    (SILENT, b""),
    (RESTING, b""),
    *((HALF_HEAD, more) for more in (b"", b"X: a\r\n")),
    *((announce(path) + begun, more) for path in PATHS for begun, more in BODIES),
    *((CHUNKED + begun, more) for begun, more in CHUNKS),
    (UNREAD, b" "),
]
"""What is sent at once, and what then drips."""


def ask_slowly(server, begun, more):
    """The answers, until the server ends the connection: then nobody goes on sending."""
    with connect(server.url, timeout_s=HANG_S) as connection:
        connection.sendall(begun)
        dripping = drip(connection, more) if more else None
        answers = read_answers(connection)
    if dripping:
        dripping.join(HANG_S)
        assert not dripping.is_alive()
    return answers


@pytest.fixture(scope="module")
def told(hasty):
    """The answers to each of `SLOW`; all take their time limit at once."""
    with ThreadPoolExecutor(len(SLOW)) as pool:
        return dict(zip(SLOW, pool.map(lambda slow: ask_slowly(hasty, *slow), SLOW), strict=True))


def test_a_client_that_says_nothing_is_hung_up_on(told):
    assert told[SILENT, b""] == []


def test_a_connection_between_requests_ends_after_its_time(told):
    assert [answer.status for answer in told[RESTING, b""]] == [200]


@pytest.mark.parametrize("more", [b"", b"X: a\r\n"], ids=["half", "dripping"])
def test_a_head_has_a_time_limit(told, more):
    [answer] = told[HALF_HEAD, more]
    assert (answer.status, answer.problem["code"]) == (408, "request-timeout")
    assert answer.fields["connection"] == "close"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("begun", "more"), BODIES, ids=["none", "half", "dripping"])
def test_a_body_has_a_time_limit_for_all_of_it(told, path, begun, more):
    [answer] = told[announce(path) + begun, more]
    assert (answer.status, answer.problem["code"]) == (408, "request-timeout")


@pytest.mark.parametrize(("begun", "more"), CHUNKS, ids=["chunks", "trailer", "extension"])
def test_chunks_have_the_time_limit_of_a_body(told, begun, more):
    [answer] = told[CHUNKED + begun, more]
    assert answer.status == 408


def test_a_body_that_nobody_reads_has_the_time_limit_too(told):
    assert [answer.status for answer in told[UNREAD, b" "]] == [200]


def test_a_half_head_behind_a_request_waits_for_its_answer(hasty):
    order = b'{"count": 20000, "format": "npy"}'
    with connect(hasty.url, timeout_s=HANG_S) as connection:
        connection.sendall(
            POST + b"Content-Length: %d\r\n\r\n" % len(order) + order + b"GET /livez HTTP/1.1\r\n"
        )
        answers = read_answers(connection)
    assert [answer.status for answer in answers] == [200, 408]
    assert len(answers[0].body) == 128 + 20_000 * 64


PICTURES = b'{"count": 200000, "format": "npy"}'
WALK = b"/latent-walk?seeds=1,5&frames=50&scale=64&format=npy"


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(POST + b"Content-Length: %d\r\n\r\n" % len(PICTURES) + PICTURES, id="pictures"),
        pytest.param(
            b"GET %b HTTP/1.1\r\nHost: a\r\nRange: bytes=100-\r\n\r\n" % WALK, id="a part of a walk"
        ),
    ],
)
def test_a_client_that_does_not_read_loses_its_connection_and_its_answer_goes(hasty, order):
    """Its answer has 13 MB, of which the kernels on both sides take a few."""
    with connect(hasty.url, timeout_s=HANG_S, receive_bytes=4096) as connection:
        connection.sendall(order)
        deadline = time.monotonic() + HANG_S
        while is_open(connection):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert sum(len(piece) for piece in read_pieces(connection)) < 200_000 * 64


def read_pieces(connection):
    """What still comes."""
    with suppress(ConnectionError):
        while piece := connection.recv(65_536):
            yield piece


def is_open(connection):
    """Whether the server still has its end of a connection: its own table of TCP says so."""
    own, theirs = connection.getsockname()[1], connection.getpeername()[1]
    wanted = f":{theirs:04X} 0100007F:{own:04X} 01"
    with Path("/proc/net/tcp").open() as table:
        return any(wanted in line for line in table)


def test_a_client_that_reads_slowly_gets_all_of_its_answer(hasty):
    """It takes several times the limit, and something in each part of it."""
    order = b'{"count": 200000, "format": "npy"}'
    received = bytearray()
    with connect(hasty.url, timeout_s=HANG_S, receive_bytes=65_536) as connection:
        connection.sendall(POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(order) + order)
        began = time.monotonic()
        while piece := connection.recv(2**18):
            received += piece
            if time.monotonic() - began < 4:
                time.sleep(0.05)
    [answer] = parse_answers(bytes(received))
    assert len(answer.body) == 128 + 200_000 * 64
