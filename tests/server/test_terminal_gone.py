"""A service whose terminal closes: nobody reads what it prints, and SIGHUP tells it to end."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from service.server.hang_up import heed_hang_up
from tests.conftest import PATIENT, REPOSITORY
from tests.patience import PATIENCE_S
from tests.raw_http import connect, read_answer, read_answers


def start(models, log, *, output):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GANYMEDE_")}
    with log.open("w") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", "ganymede", "serve", "--models", str(models), "--port", "0"],
            cwd=REPOSITORY,
            env={**environment, **PATIENT, "GANYMEDE_DEFAULT_MODEL": "grey"},
            stdout=output,
            stderr=errors,
        )


def wait_for_address(process, log):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        if match := re.search(r"running on (http://[\d.:]+)", log.read_text()):
            return match[1]
        time.sleep(0.02)
    pytest.fail(f"the server did not start:\n{log.read_text()}")


def ask(url, path):
    with connect(url) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        return read_answers(connection)[0]


def test_a_service_that_nobody_reads_starts_and_a_hang_up_loses_nothing_that_was_begun(tiny_store, tmp_path):
    log = tmp_path / "log"
    reader, writer = os.pipe()
    os.close(reader)  # as `ganymede serve | head -1` does
    process = start(tiny_store, log, output=writer)
    os.close(writer)
    try:
        url = wait_for_address(process, log)
        with connect(url) as begun:
            begun.sendall(b"POST /generate HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n{")
            while ask(url, "/readyz").status != 200:
                time.sleep(0.02)
            process.send_signal(signal.SIGHUP)
            while "draining" not in log.read_text() and process.poll() is None:
                time.sleep(0.02)
            begun.sendall(b'"count": 1')
            begun.sendall(b"}")
            answer = read_answer(begun)
        assert answer.status in (200, 503), answer
        assert process.wait(timeout=PATIENCE_S) == -signal.SIGHUP
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in log.read_text()


def test_what_was_started_by_nohup_outlives_its_terminal():
    known = signal.getsignal(signal.SIGHUP)

    def end(*_):
        raise AssertionError("it was told to end")

    try:
        for handler, heeded in ((signal.SIG_IGN, signal.SIG_IGN), (signal.SIG_DFL, end)):
            signal.signal(signal.SIGHUP, handler)
            heed_hang_up(signal.SIG_DFL, end)
            assert signal.getsignal(signal.SIGHUP) is heeded
        heed_hang_up(end, signal.SIG_DFL)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, known)
