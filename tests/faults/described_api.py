"""Schemathesis against a server: requests made from what its own description says, right and wrong ones."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, Server

FOLDER = Path(__file__).parent


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
