"""An environment for each peer, from locked requirements of its own: their packages do not go with ours."""

import re
import subprocess
import sys
import sysconfig
from pathlib import Path

REQUIREMENTS = Path("requirements/peers")
ENVIRONMENTS = Path(".cache/peers")
_NAMED = {
    "by_hand": ("fastapi", "uvicorn", "onnxruntime", "opencv-python-headless", "pillow"),
    "litserve": ("litserve",),
    "bentoml": ("bentoml",),
    "triton": ("nvidia-pytriton",),
}
"""What a reader of the results wants the versions of."""


def find_python(peer: str) -> Path:
    """The Python of `peer`'s environment, made anew where its requirements or its place have changed."""
    wanted = REQUIREMENTS / f"{peer}.txt"
    folder = ENVIRONMENTS / peer
    made = folder / "requirements.txt"
    python = folder.absolute() / "bin" / "python"
    # A copied folder's programs name the place that it was copied from.
    content = f"# {folder.absolute()}\n{wanted.read_text(encoding='utf-8')}"
    if made.exists() and made.read_text(encoding="utf-8") == content:
        return python
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "--require-hashes", "--no-deps", "-r", str(wanted)], check=True)
    made.write_text(content, encoding="utf-8")
    return python


def find_variables() -> dict[str, str]:
    """What a peer's processes need around them.

    Triton's Python process links libpython: without its folder the loader takes the system's, whose patch
    release need not be that of the standard library of this Python, and then it ends while it starts.
    """
    variables = {"PYTHONPATH": str(Path.cwd())}
    libraries = sysconfig.get_config_var("LIBDIR")
    return {**variables, "LD_LIBRARY_PATH": libraries} if libraries else variables


def read_versions() -> str:
    """The peers' packages as their lock files name them, and their versions."""
    found = []
    for peer, names in _NAMED.items():
        content = (REQUIREMENTS / f"{peer}.txt").read_text(encoding="utf-8")
        locked = dict(re.findall(r"^([\w-]+)==([\w.]+)", content, re.MULTILINE))
        found += [f"{name} {locked[name]}" for name in names]
    return ", ".join(found)
