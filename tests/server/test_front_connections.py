"""More connections than there may be: who waits makes room, health is answered, and descriptors are left."""

import os
import re
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from service.server.wire_limits import WireLimits
from service.settings import Settings
from tests.conftest import run_server
from tests.patience import PATIENCE_S
from tests.raw_http import connect, cpu_seconds, read_answer, read_answers

MOST = 8
FILES = 96
HALF_A_BODY = b"POST /generate HTTP/1.1\r\nContent-Length: 1000\r\n\r\n{"
HANG_S = PATIENCE_S


@pytest.fixture(scope="module")
def running(tiny_store, tmp_path_factory):
    flags = (
        f"--default-model grey --max-connections {MOST} --body-timeout-s 600 --head-timeout-s 600 --ui off"
    )
    with run_server(tiny_store, tmp_path_factory.mktemp("small"), *flags.split()) as server:
        yield server


@pytest.fixture
def small(running):
    """A server of eight connections, none of which is in use any more."""
    wait_until(lambda: ask(running.url, "/models").status == 200)
    return running


def ask(url, path):
    with connect(url) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n".encode())
        [answer] = read_answers(connection)
        return answer


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nX: ", b"GET /livez HTTP/1.1\r\n\r\n"])
def test_who_has_asked_for_nothing_makes_room(small, said):
    with ExitStack() as stack:
        waiting = [stack.enter_context(connect(small.url, timeout_s=HANG_S)) for _ in range(MOST)]
        for connection in waiting:
            connection.sendall(said)
            if said.endswith(b"\r\n\r\n"):
                assert read_answer(connection).status == 200
        for _ in range(3):
            assert ask(small.url, "/models").status == 200
        assert waiting[0].recv(65_536) == b""  # the oldest went


def test_where_all_are_asking_health_is_answered_and_others_are_told_to_come_again(small):
    with ExitStack() as stack:
        asking = [stack.enter_context(connect(small.url, timeout_s=HANG_S)) for _ in range(MOST)]
        for connection in asking:
            connection.sendall(HALF_A_BODY)
        wait_until(lambda: ask(small.url, "/models").status == 503)
        for path in ("/livez", "/readyz", "/ping", "/metrics", "/v2/health/live", "/v2/health/ready"):
            answer = ask(small.url, path)
            assert (answer.status, answer.fields["connection"]) == (200, "close")
        answer = ask(small.url, "/models")
        assert (answer.status, answer.problem["code"]) == (503, "too-many-connections")
        assert int(answer.fields["retry-after"]) >= 1
        asking[0].sendall(b" " * 998 + b"}")  # what was begun is finished
        answer = read_answer(asking[0])
        assert (answer.status, answer.body[:4]) == (200, b"\x89PNG")
        assert ask(small.url, "/models").status == 200  # and its connection waits now
    wait_until(lambda: ask(small.url, "/models").status == 200)
    assert "as many as may be" in small.log.read_text()


def test_the_reserve_cannot_be_held_by_silence(small):
    with ExitStack() as stack:
        for _ in range(MOST):
            stack.enter_context(connect(small.url)).sendall(HALF_A_BODY)
        wait_until(lambda: ask(small.url, "/models").status == 503)
        for _ in range(5):
            for _ in range(20):
                stack.enter_context(connect(small.url))
            assert ask(small.url, "/livez").status == 200


def test_few_descriptors_are_enough_for_health(tiny_store, tmp_path):
    """Three times as many clients as the process may have files: it neither spins nor stops answering."""
    (tmp_path / "sitecustomize.py").write_text(
        f"import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, ({FILES}, {FILES}))\n"
    )
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    flags = ("--default-model", "grey", "--ui", "off")
    with run_server(tiny_store, tmp_path, *flags, PYTHONPATH=path) as server, ExitStack() as stack:
        limits = Path(f"/proc/{server.process.pid}/limits").read_text()
        assert re.search(rf"Max open files +{FILES} +{FILES}", limits)
        for _ in range(3 * FILES):
            with suppress(ConnectionError):
                stack.enter_context(connect(server.url)).sendall(HALF_A_BODY)
        for _ in range(20):
            wait_until(lambda: ask_if_heard(server.url, "/readyz") == 200)
        before, began = cpu_seconds(server.process.pid), time.monotonic()
        time.sleep(1)
        assert cpu_seconds(server.process.pid) - before < 0.5 * (time.monotonic() - began)
        assert "Traceback" not in server.log.read_text()


def ask_if_heard(url, path):
    """The status of an answer; None where the connection was turned away at once."""
    try:
        return ask(url, path).status
    except (OSError, ValueError):
        return None


def wait_until(condition):
    deadline = time.monotonic() + HANG_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("descriptors", [16, 64, 256, 1024, 16_384, 1_000_000])
def test_connections_leave_descriptors_for_models_and_the_store(descriptors):
    limits = WireLimits.of(Settings(), descriptors=descriptors)
    assert 1 <= limits.connections <= 10_000
    assert limits.reserve >= 2
    assert limits.connections + limits.reserve <= descriptors * 3 / 4
    assert WireLimits.of(Settings(max_connections=5), descriptors=descriptors).connections == 5
