"""An account that moto plays, and a machine whose `cdk` and `docker` are stand-ins."""

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer
from typer.testing import CliRunner, Result

from ganymede.command import app
from ganymede.deployment import account as accounts
from ganymede.deployment import tools
from tests.conftest import REPOSITORY
from tests.tiny_models import TinyModel, publish_tiny_model

REGION = "eu-west-1"
CLIENT = "203.0.114.7/32"
PROGRAMS = ("cdk", "docker")


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """The address of a server that answers as AWS does."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@dataclass(frozen=True)
class Machine:
    """A person's machine, signed in to an empty account."""

    folder: Path
    patch: pytest.MonkeyPatch

    @property
    def calls(self) -> list[dict[str, Any]]:
        """What was asked of the stand-ins, in order."""
        notes = self.folder / "calls"
        return [json.loads(line) for line in notes.read_text().splitlines()] if notes.exists() else []

    def asked(self, program: str, word: str) -> list[list[str]]:
        """The words of those calls that did something: `cdk deploy …`, `docker buildx build …`."""
        return [call["words"] for call in self.calls if call["program"] == program and word in call["words"]]

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name=REGION)

    def stacks(self, region: str = REGION) -> set[str]:
        client = boto3.client("cloudformation", region_name=region)
        return {stack["StackName"] for stack in client.describe_stacks()["Stacks"]}

    def deploy(
        self, *flags: str, models: tuple[str, ...] = ("mine",), clients: str | None = CLIENT, answer: str = ""
    ) -> Result:
        """Run `ganymede deploy aws`; `answer` is typed, without one --yes is given."""
        words = ["deploy", "aws", "--models", str(self.folder / "models"), "--region", REGION, *flags]
        words += [word for model in models for word in ("--model", model)]
        words += ["--client-cidr", clients] if clients else []
        return CliRunner().invoke(app, [*words, *([] if answer else ["--yes"])], input=answer)

    def destroy_somewhere(self) -> Result:
        """Run `ganymede destroy aws` without a region."""
        return CliRunner().invoke(app, ["destroy", "aws", "--yes"])

    def destroy(self, *flags: str, answer: str = "") -> Result:
        """Run `ganymede destroy aws`, as `deploy` does."""
        words = ["destroy", "aws", "--region", REGION, *flags]
        return CliRunner().invoke(app, [*words, *([] if answer else ["--yes"])], input=answer)


@pytest.fixture
def machine(moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Signed in, with stand-ins on PATH, the model mine@v1 in a folder, and templates that cost no time."""
    httpx.post(f"{moto}/moto-api/reset").raise_for_status()
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in PROGRAMS:
        script = folder / program
        standin = REPOSITORY / "tests" / "deployment" / "standin.py"
        script.write_text(
            f'#!/bin/sh\nexec {sys.executable} -I -S {shlex.quote(str(standin))} {program} "$@"\n'
        )
        script.chmod(0o755)
    for name, value in {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "STANDIN_CALLS": str(tmp_path / "calls"),
        "AWS_ENDPOINT_URL": moto,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": REGION,
        "COLUMNS": "200",
    }.items():
        monkeypatch.setenv(name, value)
    for name in (
        "AWS_PROFILE",
        "AWS_DEFAULT_REGION",
        "AGENT_IMAGE",
        "GANYMEDE_MODELS",
        "GANYMEDE_TRUSTED_KEYS",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(accounts.Account, "read_quota", lambda self, service, code: None)  # moto knows few
    monkeypatch.setattr(tools.Tools, "synthesize", note_synthesis(tmp_path))
    publish_tiny_model(tmp_path / "models", TinyModel(name="mine"))
    return Machine(tmp_path, monkeypatch)


def note_synthesis(folder: Path) -> Callable[..., None]:
    """In place of seven seconds of CDK: keep what it would have been given."""

    def synthesize(self: tools.Tools, configuration: Path, templates: Path) -> None:
        (folder / "configuration.json").write_text(configuration.read_text())

    return synthesize
