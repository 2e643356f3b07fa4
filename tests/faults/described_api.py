"""Schemathesis against a server: requests made from what its own description says, right and wrong ones."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, Server, run_server

FOLDER = Path(__file__).parent
KEY = "the-key-of-schemathesis"


@contextmanager
def run_described_server(models: Path, folder: Path) -> Iterator[Server]:
    """A server with one key, `KEY`, and no limit for those that are wrong: many of them are sent."""
    keys = f"schemathesis:{hashlib.sha256(KEY.encode()).hexdigest()}"
    flags = ("--default-model", "grey", "--ui", "off")
    variables = {"GANYMEDE_API_KEYS": keys, "GANYMEDE_WRONG_KEYS_PER_MINUTE": "1000000"}
    with run_server(models, folder, *flags, **variables) as server:
        yield server


def attack_described_api(server: Server, *, cases: int, seed: int, key: str | None = None) -> None:
    """Send at least `cases` requests to every operation, alone and in sequence; every check must hold."""
    configuration = server.log.with_suffix(".toml")
    text = (FOLDER / "schemathesis.toml").read_text()
    configuration.write_text(f'{text}\n[auth.openapi.header]\napi_key = "{key}"\n' if key else text)
    description = server.log.with_suffix(".json")
    with server.client(headers={"X-Api-Key": key or "none"}) as client:
        description.write_bytes(client.get("/openapi.json").content)
    words = ["--config-file", configuration, "run", description, "--url", server.url]
    flags = ["--max-examples", cases, "--seed", seed, "--checks", "all", "--no-color", "--warnings", "off"]
    run = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", *map(str, words + flags)],
        cwd=REPOSITORY,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.faults.schemathesis_checks"},
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        pytest.fail(f"{run.stdout[-20_000:]}\n{run.stderr[-2_000:]}", pytrace=False)
    for phase in ("Coverage", "Fuzzing", "Stateful"):
        assert f"✅  {phase}" in run.stdout, run.stdout
