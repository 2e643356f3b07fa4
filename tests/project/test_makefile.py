"""What `make` leaves where a step fails."""

import os
import shutil
import subprocess

import pytest

from tests.conftest import REPOSITORY

WITHOUT_VENV = """#!/bin/sh
# As Debian's Python without the package python3-venv: the environment is begun, and has no pip.
[ "$1 $2" = "-m venv" ] || exit 0
echo venv >>asked
mkdir -p "$3/bin" && ln -sf "$0" "$3/bin/python"
exit 1
"""


@pytest.mark.parametrize("target", [".venv/.service", ".venv/.dev"])
def test_an_environment_that_was_half_made_is_made_anew_the_next_time(tmp_path, target):
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    (tmp_path / "requirements").mkdir()
    for name in ("pyproject.toml", "requirements/service.txt", "requirements/dev.txt"):
        (tmp_path / name).touch()
    python = tmp_path / "python"
    python.write_text(WITHOUT_VENV)
    python.chmod(0o755)
    environment = {"PATH": os.environ["PATH"]}  # nothing of the make that may run this
    for _ in range(2):
        command = ["make", f"PYTHON={python}", target]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
        assert done.returncode != 0
    assert (tmp_path / "asked").read_text() == "venv\nvenv\n"
