"""A service whose log is no longer read goes on, and ends when it is told to."""

import os
import signal
import subprocess
import sys
import time

import httpx

from tests.conftest import PATIENT, REPOSITORY
from tests.patience import PATIENCE_S
from tests.valkey import free_port

REQUESTS = 1_000
"""Each is a line: a pipe holds some three hundred."""


def test_a_log_that_nobody_reads_stops_neither_the_service_nor_its_end(tiny_store):
    port = free_port()
    reader, writer = os.pipe()
    flags = ("--port", str(port), "--log-format", "json", "--default-model", "grey")
    process = subprocess.Popen(
        [sys.executable, "-m", "ganymede", "serve", "--models", str(tiny_store), *flags],
        cwd=REPOSITORY,
        env={**os.environ, **PATIENT},
        stdout=subprocess.DEVNULL,
        stderr=writer,
    )
    os.close(writer)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client:
            wait_until_answering(client)
            for _ in range(REQUESTS):
                assert client.get("/models/grey").status_code == 200
            assert client.get("/livez").status_code == 200
        process.terminate()
        assert process.wait(timeout=PATIENCE_S) == -signal.SIGTERM
    finally:
        process.kill()
        process.wait()
        os.close(reader)


def wait_until_answering(client):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError("the server did not start")
