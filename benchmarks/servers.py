"""Starting what is measured, each in a process of its own, one at a time."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers, and how long it took to get there."""

    name: str
    url: str
    process: subprocess.Popen[bytes]
    start_s: float

    @property
    def resident_mb(self) -> float:
        """Resident memory now, in MB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    @property
    def cpu_s(self) -> float:
        """Seconds that its threads have had a core, of those that live."""
        times = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(path.read_text().split()[0]) for path in times) / 1e9


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def start_ganymede(
    models: Path, model: str, tree: Path | None = None, /, **variables: str
) -> Iterator[Running]:
    """Our service, without the web page; of this tree or of another."""
    port, models = free_port(), models.absolute()
    command = [sys.executable, "-m", "ganymede", "serve", "--models", str(models), "--port", str(port)]
    environment = {"GANYMEDE_UI": "off", "GANYMEDE_DEFAULT_MODEL": model, **variables}
    if tree is not None:
        environment["PYTHONPATH"] = str(tree.absolute())  # it goes before an editable install
    with start_server("Ganymede", command, port, "/readyz", environment, folder=tree) as running:
        yield running


@contextmanager
def start_by_hand(graph: Path) -> Iterator[Running]:
    """The reference, `benchmarks/peers/by_hand.py`, with Pillow."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.peers.by_hand", str(graph), str(port)]
    with start_server("FastAPI + ORT by hand", command, port, "/docs", {}) as running:
        yield running


@contextmanager
def start_server(
    name: str,
    command: list[str],
    port: int,
    ready_path: str,
    variables: dict[str, str],
    *,
    folder: Path | None = None,
    limit_s: float = 120,
) -> Iterator[Running]:
    """`command`, once it answers at `ready_path`; it is ended with the context.

    Raises:
        RuntimeError: it ends, or does not answer within `limit_s`.
    """
    began = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **variables},
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,  # with what it starts
        )
        url = f"http://127.0.0.1:{port}"
        try:
            while not _answers(url + ready_path):
                if time.perf_counter() - began > limit_s or process.poll() is not None:
                    raise RuntimeError(f"{name} did not start; it said: {_read_end(said)}")
                time.sleep(0.01)
            yield Running(name, url, process, time.perf_counter() - began)
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=30)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # LitServe leaves its workers behind
            process.wait()


def _read_end(said: IO[bytes]) -> str:
    """The last line that holds anything."""
    said.seek(0)
    lines = [line.strip() for line in said.read().decode("utf-8", "replace").splitlines()]
    return next((line for line in reversed(lines) if line), "nothing")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1).status_code == 200
    except httpx.HTTPError:
        return False
