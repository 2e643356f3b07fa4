"""A service under strain: clients that do not read or leave half-way, a full disk, and an end amid walks."""

import concurrent.futures
import contextlib
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import REPOSITORY, metric, run_server
from tests.patience import PATIENCE_S

BUDGET_BYTES = 120_000_000
LARGE = {
    "seed": 1,
    "count": 128,
    "columns": 16,
    "scale": 64,
    "format": "npy",
}  # 33,554,432 bytes and a header
WALK = {"seeds": [1, 2], "frames": 100, "scale": 64, "format": "gif"}
HELD = "ganymede_flight_bytes"


def wait_for(condition, limit_s=PATIENCE_S):
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def strained(tiny_store, tmp_path_factory):
    """A server with little room for bytes, whose temporary files lie in a folder of its own."""
    folder = tmp_path_factory.mktemp("strained")
    (folder / "temporary").mkdir()
    flags = ("--default-model", "grey", "--max-bytes-in-flight", str(BUDGET_BYTES), "--ui", "off")
    with run_server(tiny_store, folder, *flags, TMPDIR=str(folder / "temporary")) as server:
        strained: Any = server
        strained.temporary = folder / "temporary"
        yield strained


def connect(server, path, body, *, length=None):
    """A connection that has asked for something, as far as `body` goes, and reads nothing."""
    host, port = server.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length or len(body)}\r\n\r\n"
    connection.sendall((head + body).encode())
    return connection


@pytest.mark.parametrize(
    ("path", "order", "content_bytes"),
    [
        ("/generate", LARGE, 33_554_560),
        ("/latent-walk", {"seeds": [1, 2], "frames": 128, "scale": 64, "format": "npy"}, 33_554_560),
    ],
)
def test_an_answer_that_is_not_read_keeps_its_room_until_its_connection_is_gone(
    strained, path, order, content_bytes
):
    with strained.client() as client:
        wait_for(lambda: metric(client, HELD) == 0)
        with connect(strained, path, json.dumps(order)):
            wait_for(lambda: metric(client, HELD) == content_bytes)
            refused = client.post("/generate", json=LARGE)
            assert (refused.status_code, refused.json()["code"]) == (503, "bytes-full")
            assert int(refused.headers["Retry-After"]) > 0
            assert client.post("/generate", json={"seed": 1}).status_code == 200
            assert metric(client, HELD) == content_bytes
        wait_for(lambda: metric(client, HELD) == 0)
        wait_for(lambda: not list(strained.temporary.glob("ganymede-*")))
        assert len(client.post("/generate", json=LARGE).content) == 33_554_560
        wait_for(lambda: metric(client, HELD) == 0)


def test_walks_that_are_too_large_together_are_refused_before_anything_is_done(strained):
    order = {"seeds": [1, 2], "frames": 128, "scale": 64, "format": "png"}
    with concurrent.futures.ThreadPoolExecutor(4) as pool, strained.client() as client:
        answers = list(pool.map(lambda _: httpx.post(f"{strained.url}/latent-walk", json=order), range(4)))
        assert {answer.status_code for answer in answers} == {200, 503}
        assert {answer.json()["code"] for answer in answers if answer.status_code == 503} == {"bytes-full"}
        wait_for(lambda: metric(client, HELD) == 0)


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/generate", "/generate"),
        ("/latent-walk", "/latent-walk"),
        ("/invocations", "/invocations"),
        ("/v2/models/grey/infer", "/v2/models/{model}/infer"),
    ],
)
def test_a_client_that_leaves_before_its_body_is_whole_is_no_fault_of_ours(strained, path, route):
    left = f'ganymede_requests_total{{route="{route}",status="499"}}'
    with strained.client() as client:
        before = metric(client, left)
        connect(strained, path, '{"seed": ', length=1000).close()
        wait_for(lambda: metric(client, left) == before + 1)
    assert "Traceback" not in strained.log.read_text()


def test_a_full_disk_is_a_503_without_a_path(strained):
    limits = resource.prlimit(strained.process.pid, resource.RLIMIT_FSIZE)
    order = {"seeds": [1, 2], "frames": 128, "scale": 32, "format": "npy"}  # 8 MB
    with strained.client() as client:
        resource.prlimit(strained.process.pid, resource.RLIMIT_FSIZE, (2**20, limits[1]))
        try:
            answer = client.post("/latent-walk", json=order)
        finally:
            resource.prlimit(strained.process.pid, resource.RLIMIT_FSIZE, limits)
        assert (answer.status_code, answer.json()["code"]) == (503, "exhausted")
        assert int(answer.headers["Retry-After"]) > 0
        assert str(strained.temporary) not in answer.text
        assert client.post("/latent-walk", json=order).status_code == 200
        wait_for(lambda: metric(client, HELD) == 0)
        wait_for(lambda: not list(strained.temporary.glob("ganymede-*")))


def ask(server):
    """The status of a walk, whose frames may be torn where a machine is slow; why, where nobody answered."""
    try:
        with httpx.stream("POST", f"{server.url}/latent-walk", json=WALK) as answer:
            with contextlib.suppress(httpx.HTTPError):
                answer.read()
            return answer.status_code
    except httpx.HTTPError as error:
        return repr(error)


def walk_on(server, pool, folder):
    """Walks under way, once some of them encode."""
    calls = [pool.submit(ask, server) for _ in range(6)]
    wait_for(lambda: len(list(folder.glob("ganymede-*/*"))) >= 2)
    return calls


def find_gone(process_id):
    """The files of walks that a process has open and that are no longer there."""
    found = set()
    for link in Path(f"/proc/{process_id}/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(str(link.readlink()))
    return {path for path in found if re.search(r"ganymede-walk-.*/walk\.gif \(deleted\)$", path)}


def test_what_a_crash_left_on_disk_is_removed_and_what_is_in_use_is_not(tiny_store, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    (temporary / "ganymede-walk-of-others").mkdir()
    flags = ["--default-model", "grey", "--ui", "off", "--drain-timeout-s", "1"]
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        with run_server(tiny_store, tmp_path, *flags, TMPDIR=str(temporary)) as server:
            walk_on(server, pool, temporary)
            server.process.kill()
            server.process.wait()
        left = set(temporary.glob("*/walk.*"))
        assert left
        with run_server(
            tiny_store, tmp_path, *flags, TMPDIR=str(temporary), GANYMEDE_DRAIN_TIMEOUT_S="1"
        ) as first:
            assert not any(path.exists() for path in left)
            calls = walk_on(first, pool, temporary)
            with run_server(tiny_store, tmp_path, *flags, TMPDIR=str(temporary)):
                gone = find_gone(first.process.pid)
                time.sleep(0.1)  # what the first lets go of itself might be open for a moment longer
                gone &= find_gone(first.process.pid)
            assert not gone
            # The end comes in time, whatever encodes: the limit, a moment for last words, and no more.
            first.process.send_signal(signal.SIGTERM)
            assert first.process.wait(timeout=PATIENCE_S) in (-signal.SIGTERM, 128 + signal.SIGTERM)
        assert {call.result() for call in calls} <= {200, 503}
    assert (temporary / "ganymede-walk-of-others").is_dir()


_FREE_BLOCKS = """
import ctypes, os
from service.server.memory import return_large_blocks

def resident_bytes():
    with open("/proc/self/statm") as figures:
        return int(figures.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

c = ctypes.CDLL(None)
c.malloc.restype, c.malloc.argtypes, c.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
return_large_blocks()
c.free(c.malloc(30 << 20))  # what lets glibc keep blocks up to this size in its heap
before = resident_bytes()
blocks = []
for _ in range(20):
    block = c.malloc(8 << 20)
    ctypes.memset(block, 1, 8 << 20)
    blocks.append((block, c.malloc(100_000)))  # the small one keeps the end of the heap
for block, _ in blocks:
    c.free(block)
print(resident_bytes() - before)
"""


def test_large_blocks_that_were_freed_are_the_systems_again():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    command = [sys.executable, "-c", _FREE_BLOCKS]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=REPOSITORY, check=True)
    assert int(ran.stdout) < 40 << 20, "of 160 MiB"
