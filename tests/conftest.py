"""What the tests share: tiny real releases in a real store, and the real server in its own process."""

import hashlib
import io
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from inspect import unwrap
from pathlib import Path
from types import FunctionType
from typing import Any

import httpx
import pytest

from ganymede.command import main
from tests.patience import PATIENCE_S, have_patience
from tests.tiny_models import TinyModel, publish_tiny_model

REPOSITORY = Path(__file__).parent.parent
PATIENT = {"GANYMEDE_REQUEST_TIMEOUT_S": str(PATIENCE_S), "GANYMEDE_DRAIN_TIMEOUT_S": str(PATIENCE_S)}
"""A server under test gives up as late as the tests do, unless one says otherwise."""

STARTERS = {"run_server", "run_ganymede", "subprocess"}

have_patience()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as `starts` what starts processes for itself alone, by the names that it uses."""
    for item in items:
        if isinstance(item, pytest.Function) and _starts(item.function, set()):
            item.add_marker(pytest.mark.starts)


def _starts(function: FunctionType, seen: set[str]) -> bool:
    """Whether a test names what starts a process, or a function of its file does that it calls."""
    code = unwrap(function).__code__
    names = {*code.co_names, *code.co_varnames}
    called = [function.__globals__.get(name) for name in names - seen]
    seen |= names
    return bool(names & STARTERS) or any(
        isinstance(found, FunctionType) and found.__module__ == function.__module__ and _starts(found, seen)
        for found in called
    )


class Server:
    """`ganymede serve` in a process of its own, on a port of its own."""

    def __init__(self, process: subprocess.Popen[str], url: str, log: Path) -> None:
        self.process = process
        self.url = url
        self.log = log

    def client(self, **options: Any) -> httpx.Client:
        """A client of this server."""
        return httpx.Client(base_url=self.url, **options)


@contextmanager
def run_server(models: Path | str, folder: Path, *flags: str, **variables: str) -> Iterator[Server]:
    """Start the server on `models`, wait until it is ready, and stop it at the end."""
    log = folder / f"serve-{time.monotonic_ns()}.log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GANYMEDE_")}
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "ganymede", "serve", "--models", str(models), "--port", "0", *flags],
            cwd=REPOSITORY,
            env={**environment, **PATIENT, **variables},
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        server = Server(process, _wait_for_address(process, log), log)
        _wait_until_answering(server)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_address(process: subprocess.Popen[str], log: Path, limit_s: float = PATIENCE_S) -> str:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline and process.poll() is None:
        if match := re.search(r"running on (http://[\d.:]+)", log.read_text()):
            return match[1]
        time.sleep(0.02)
    pytest.fail(f"the server did not start:\n{log.read_text()}")


def _wait_until_answering(server: Server, limit_s: float = PATIENCE_S) -> None:
    """Wait for a model, or for the reason why there is none."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        answer = httpx.get(f"{server.url}/readyz")
        if answer.status_code == 200 or "still being loaded" not in answer.text:
            return
        time.sleep(0.02)
    pytest.fail(f"the server did not load its model:\n{server.log.read_text()}")


def metric(client: httpx.Client, name: str) -> float:
    """The value of a metric by its name with labels, 0 where it is not yet."""
    for line in client.get("/metrics").text.splitlines():
        if line.startswith(name + " "):
            return float(line.rsplit(" ", 1)[1])
    return 0.0


@pytest.fixture(scope="session")
def tiny_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with `grey` (8×8×1, v1 and v2 in production) and `colour` (8×8×3 with three classes)."""
    root = tmp_path_factory.mktemp("store")
    publish_tiny_model(root, TinyModel(name="grey", version="v1", weight_seed=1))
    publish_tiny_model(root, TinyModel(name="grey", version="v2", weight_seed=2))
    publish_tiny_model(
        root, TinyModel(name="colour", channels=3, classes=("circle", "square", "star"), weight_seed=3)
    )
    return root


@pytest.fixture(scope="session")
def server(tiny_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The service on `tiny_store` with `grey` as default, one for each worker; tests must not change it."""
    with run_server(tiny_store, tmp_path_factory.mktemp("server"), "--default-model", "grey") as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    """A client of `server`."""
    with server.client() as connected:
        yield connected


@pytest.fixture(scope="session")
def sha256() -> Callable[[bytes], str]:
    """Sha256 in hexadecimal."""
    return lambda content: hashlib.sha256(content).hexdigest()


@pytest.fixture(scope="session")
def run_ganymede() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line in a process of its own: arguments as words, variables as keywords."""

    def run(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ganymede", *map(str, arguments)],
            cwd=REPOSITORY,
            env={**os.environ, "COLUMNS": "200", **variables},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def call_ganymede() -> Callable[..., subprocess.CompletedProcess[str]]:
    """As `run_ganymede`, within this process: what a command needs is imported once for all of them."""

    def call(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
        words = [str(argument) for argument in arguments]
        output, errors = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(output), redirect_stderr(errors):
            patch.setattr(sys, "argv", ["ganymede", *words])
            patch.chdir(REPOSITORY)
            for name, value in {"COLUMNS": "200", **variables}.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as end:
                main()
        status = int(end.value.code or 0)
        return subprocess.CompletedProcess(words, status, output.getvalue(), errors.getvalue())

    return call
