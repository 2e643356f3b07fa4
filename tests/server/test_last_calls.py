"""Who was let in before the process ends is answered, whether or not their first byte was read by then."""

import json
import socket
import threading
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import pytest
import uvicorn

from service.application import create_app
from service.server import timed_protocol
from service.server.connections import Connections
from service.server.draining import DrainingServer
from service.server.guard import guard
from service.server.wire_limits import WireLimits
from service.settings import Settings
from tests.patience import PATIENCE_S, wait_until
from tests.raw_http import connect, read_answer, read_answers

LIVE = b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n"
ORDER = b"POST /generate HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\n\r\n{}"
LONG_S = 100 * PATIENCE_S


class Process:
    """The server in a thread of this process: what happens at its end is up to the test, not to the clock."""

    def __init__(self, store, loop, *, graceful_s=None, **fields):
        settings = Settings(models=str(store), default_model="grey", ui="off", **fields)
        app = create_app(settings)
        options = {"loop": loop, "log_config": None, "access_log": False, "ws": "none"}
        configuration = uvicorn.Config(app, port=0, timeout_graceful_shutdown=graceful_s, **options)
        guard(configuration, app.state.context, Connections(WireLimits.of(settings, descriptors=1000)))
        self.engine, self.url = app.state.context.engine, ""
        self.server = DrainingServer(configuration, app.state.context, started=self.note)
        self.thread = threading.Thread(target=self.server.run)

    def note(self, url):
        self.url = url

    def end(self):
        self.server.should_exit = True

    def is_over(self):
        self.thread.join(PATIENCE_S)
        return not self.thread.is_alive()


@contextmanager
def run(store, monkeypatch, last_call_s, loop="uvloop", **settings):
    """A server that gives those who were let in `last_call_s` to ask."""
    monkeypatch.setattr(timed_protocol, "LAST_CALL_S", last_call_s)
    process = Process(store, loop, **settings)
    process.thread.start()
    try:
        wait_until(lambda: process.url != "")
        yield process
    finally:
        process.end()
        process.thread.join()


def is_closed(url):
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname, address.port)).close()
    except ConnectionRefusedError:
        return True
    return False


def test_who_was_let_in_is_answered_though_the_first_byte_comes_at_the_end(tiny_store, monkeypatch):
    with run(tiny_store, monkeypatch, LONG_S) as process, ExitStack() as open_ones:
        silent, ordering, halfway, kept, next_begun = (
            open_ones.enter_context(connect(process.url)) for _ in range(5)
        )
        for connection in (kept, next_begun):
            connection.sendall(LIVE)
            assert "connection" not in read_answer(connection).fields
        halfway.sendall(LIVE[:20])
        next_begun.sendall(LIVE[:20])
        wait_until(lambda: len(process.server.server_state.connections) == 5)
        process.end()
        assert read_answers(kept) == []  # closed at once: it was answered, and may ask elsewhere
        wait_until(lambda: is_closed(process.url))
        silent.sendall(2 * LIVE)
        ordering.sendall(ORDER)
        halfway.sendall(LIVE[20:])
        next_begun.sendall(LIVE[20:])
        for connection, status in ((silent, 200), (ordering, 503), (halfway, 200), (next_begun, 200)):
            [answer] = read_answers(connection)
            assert (answer.status, answer.fields["connection"]) == (status, "close")
        assert process.is_over()  # it waits for nobody who has been answered


def test_a_request_that_nobody_has_read_is_read_before_its_connection_ends(tiny_store, monkeypatch):
    with run(tiny_store, monkeypatch, LONG_S) as process, connect(process.url) as kept:
        kept.sendall(LIVE)
        read_answer(kept)

        def send_and_end():
            kept.sendall(LIVE)  # on the loop: it cannot read this before the next line
            [connection] = process.server.server_state.connections
            process.engine.leave()
            connection.shutdown()

        [connection] = process.server.server_state.connections
        connection.loop.call_soon_threadsafe(send_and_end)
        [answer] = read_answers(kept)
        assert (answer.status, answer.fields["connection"]) == (200, "close")


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_who_waits_to_be_let_in_when_the_listener_closes_is_let_in(tiny_store, monkeypatch, loop):
    arrived = []
    with run(tiny_store, monkeypatch, LONG_S, loop) as process:
        drain = process.engine.drain

        def come_late():
            drain()
            for _ in range(20):  # on the loop: the system answers them, nobody has taken them
                arrived.append(connect(process.url))
                arrived[-1].sendall(LIVE)

        monkeypatch.setattr(process.engine, "drain", come_late)
        process.end()
        assert process.is_over()
    for connection in arrived:
        [answer] = read_answers(connection)
        connection.close()
        assert (answer.status, answer.fields["connection"]) == (200, "close")


def test_who_says_nothing_or_half_of_it_does_not_hold_the_process(tiny_store, monkeypatch):
    with run(tiny_store, monkeypatch, 0.2) as process, ExitStack() as open_ones:
        silent, halfway = (open_ones.enter_context(connect(process.url)) for _ in range(2))
        halfway.sendall(LIVE[:20])
        wait_until(lambda: len(process.server.server_state.connections) == 2)
        process.engine.drain()
        with connect(process.url) as late:
            assert read_answers(late) == []
        process.end()
        [answer] = read_answers(halfway)
        assert (answer.status, answer.problem["code"]) == (503, "unavailable")
        assert answer.fields["connection"] == "close"
        assert int(answer.fields["retry-after"]) > 0
        assert read_answers(silent) == []
        assert process.is_over()


def test_the_time_limit_tells_who_has_no_answer_yet_and_tears_none_that_began(tiny_store, monkeypatch):
    drawing = {
        "seed": 1,
        "count": 128,
        "columns": 16,
        "scale": 64,
        "format": "npy",
    }  # 33,554,432 bytes, a header
    walk = {"seeds": [1, 2], "frames": 100, "scale": 64, "format": "npy"}  # from a file, in pieces
    with run(tiny_store, monkeypatch, 0.2, drain_timeout_s=0.2) as process, ExitStack() as open_ones:
        reading = []
        for path, order in (("/generate", drawing), ("/latent-walk", walk)):
            body = json.dumps(order)
            head = f"POST {path} HTTP/1.1\r\nHost: here\r\nContent-Length: {len(body)}\r\n\r\n"
            reading.append(open_ones.enter_context(connect(process.url)))
            reading[-1].sendall((head + body).encode())
            assert reading[-1].recv(16, socket.MSG_PEEK | socket.MSG_WAITALL).startswith(b"HTTP/1.1 200")
        asking = open_ones.enter_context(connect(process.url))
        asking.sendall(ORDER[:-2])
        wait_until(lambda: len(process.server.server_state.tasks) == 3)
        process.end()
        [refused] = read_answers(asking)  # the limit is over
        assert (refused.status, refused.problem["code"]) == (503, "unavailable")
        assert int(refused.fields["retry-after"]) > 0
        for connection, content_bytes in zip(reading, (33_554_560, 26_214_528), strict=True):
            [answer] = read_answers(connection)
            assert (answer.status, len(answer.body)) == (200, content_bytes)
        assert process.is_over()


def test_a_stream_that_is_cut_off_ends_without_a_trace(tiny_store, monkeypatch, caplog):
    minutes = {"max_images_per_request": 100_000}  # on the fastest machine; the system would take all of it
    body = json.dumps({"seeds": [1, 2], "frames": 100_000, "scale": 64, "format": "mp4", "stream": True})
    head = f"POST /latent-walk HTTP/1.1\r\nHost: here\r\nContent-Length: {len(body)}\r\n\r\n"
    with (
        run(tiny_store, monkeypatch, 0.2, drain_timeout_s=0.1, graceful_s=1, **minutes) as process,
        connect(process.url, receive_bytes=4096) as connection,
    ):
        connection.sendall((head + body).encode())
        assert connection.recv(16, socket.MSG_PEEK | socket.MSG_WAITALL).startswith(b"HTTP/1.1 200")
        process.end()
        assert process.is_over()
        received = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert not received.endswith(b"0\r\n\r\n")  # nobody takes it for whole
    assert "Traceback" not in caplog.text
