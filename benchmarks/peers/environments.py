"""An environment for each peer, from locked requirements of its own: their packages do not go with ours."""

import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path("requirements/peers")
ENVIRONMENTS = Path(".cache/peers")


def find_python(peer: str) -> Path:
    """The Python of `peer`'s environment, made anew where its requirements have changed."""
    wanted = REQUIREMENTS / f"{peer}.txt"
    folder = ENVIRONMENTS / peer
    made = folder / "requirements.txt"
    python = folder / "bin" / "python"
    if made.exists() and made.read_bytes() == wanted.read_bytes():
        return python.absolute()
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "--require-hashes", "--no-deps", "-r", str(wanted)], check=True)
    made.write_bytes(wanted.read_bytes())
    return python.absolute()
