"""A wheel of the working tree, and an environment that holds nothing but what is installed here."""

import os
import re
import subprocess
import sys
import sysconfig
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.patience import PATIENCE_S

REPOSITORY = Path(__file__).parent.parent.parent
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
VERSION: str = PROJECT["project"]["version"]
PACKAGES: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


def run(*words: object, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in `folder`, where no variable shows Python the way to the repository."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env={**_strange_variables(), **variables},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, f"{words}:\n{done.stdout}{done.stderr}"
    return done


def build_wheel(folder: Path) -> Path:
    """Build the working tree's wheel into `folder` with the installed hatchling."""
    words = ("-m", "hatchling", "build", "--target", "wheel", "--directory", folder)
    run(sys.executable, *words, folder=REPOSITORY)
    [wheel] = folder.glob("*.whl")
    return wheel


class CleanEnvironment:
    """A virtual environment of its own, without pip."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        run(sys.executable, "-m", "venv", "--without-pip", folder, folder=folder.parent)

    def install(self, *words: object) -> None:
        """Install by the pip beside the tests."""
        pip = (sys.executable, "-m", "pip", "--python", self.bin / "python", "--disable-pip-version-check")
        run(*pip, "install", "--quiet", *words, folder=self.folder)

    def borrow_dependencies(self) -> None:
        """See what is installed beside the tests, but not the repository: a .pth file shows one folder."""
        inside = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
        lines = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        (self.folder / inside / "borrowed.pth").write_text("\n".join(sorted(lines)) + "\n")

    def ganymede(self, *words: object, **variables: str) -> str:
        """What the command that was installed prints."""
        return run(self.bin / "ganymede", *words, folder=self.folder, **variables).stdout

    @contextmanager
    def serve(self, models: Path, **variables: str) -> Iterator[httpx.Client]:
        """A client of the service that was installed, once it is ready; it is stopped at the end."""
        log = self.folder / "serve.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [self.bin / "ganymede", "serve", "--models", models, "--port", "0"],
                cwd=self.folder,
                env={**_strange_variables(), **variables},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            with httpx.Client(base_url=_find_address(process, log), timeout=PATIENCE_S) as client:
                while client.get("/readyz").status_code != 200:
                    assert process.poll() is None, log.read_text()
                    time.sleep(0.05)
                yield client
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE_S)


def _strange_variables() -> dict[str, str]:
    """The variables of somebody who has neither the repository nor settings."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GANYMEDE_", "PYTHON")) and name != "VIRTUAL_ENV"
    }


def _find_address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline:
        if match := re.search(r"running on (http://[\d.:]+)", log.read_text()):
            return match[1]
        time.sleep(0.05)
    pytest.fail(f"the service did not start:\n{log.read_text()}")
