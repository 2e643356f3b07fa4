"""`ganymede.connect` where the extra `client` is all that is installed."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import distribution, packages_distributions

from packaging.requirements import Requirement

from tests.conftest import REPOSITORY
from tests.missing_packages import BLOCKING

PROGRAM = f"""{BLOCKING}
    import ganymede, ganymede.errors
    with ganymede.connect(sys.argv[1]) as service:
        pictures = service.generate(seeds=[1, 2])
        pictures.save("grid.png")
        walk = service.walk(seeds=[1, 2], frames=4, format="gif")
        print(len(pictures.images), pictures.array.shape[0], len(service.models()) > 0, len(walk.content) > 0)
"""


def read_project():
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def find_brought(words):
    """The distributions that these requirements bring, with what those require in their turn."""
    brought, open_ones = set(), [Requirement(word) for word in words]
    while open_ones:
        wanted = open_ones.pop()
        here = wanted.marker is None or wanted.marker.evaluate({"extra": ""})
        if here and plain(wanted.name) not in brought:
            brought.add(plain(wanted.name))
            open_ones += map(Requirement, distribution(wanted.name).requires or ())
    return brought


def test_the_extra_client_brings_all_that_a_client_needs(server, tmp_path):
    project = read_project()
    brought = find_brought(project["dependencies"] + project["optional-dependencies"]["client"])
    assert {"httpx", "numpy"} <= brought
    assert "fastapi" not in brought
    blocked = {
        module
        for module, names in packages_distributions().items()
        if not {plain(name) for name in names} & (brought | {"ganymede"})
    }
    assert "onnxruntime" in blocked
    command = [sys.executable, "-c", PROGRAM, " ".join(blocked), server.url]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["2", "2", "True", "True"], done.stderr
