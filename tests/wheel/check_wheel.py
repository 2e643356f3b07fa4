"""The wheel as a stranger installs it: into an empty environment, with the locked packages of the service.

`make wheel` runs this; it is no part of `make test`, since it installs 600 MB.
"""

import shutil
import sys

import pytest

from tests.conftest import REPOSITORY
from tests.wheel.clean_environment import VERSION, CleanEnvironment, build_wheel, run


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    dist = REPOSITORY / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    environment = CleanEnvironment(tmp_path_factory.mktemp("clean") / "venv")
    environment.install("--require-hashes", "--no-deps", "-r", REPOSITORY / "requirements" / "service.txt")
    environment.install("--no-deps", "--no-index", build_wheel(dist))
    environment.install("--dry-run", "--no-index", "ganymede[service,signing]")
    return environment


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return shutil.copytree(REPOSITORY / "models", tmp_path_factory.mktemp("elsewhere") / "models")


def test_it_says_which_version_it_is(installed):
    assert installed.ganymede("--version") == f"ganymede {VERSION}\n"


def test_it_serves_a_bundled_model_with_its_page_and_the_golden_seeds_are_right(installed, models):
    with installed.serve(models) as client:
        run(sys.executable, "deploy/smoke.py", client.base_url, folder=REPOSITORY, PYTHONPATH=str(REPOSITORY))
        for address in ("/ui/", "/favicon.ico", "/docs"):
            assert client.get(address).status_code == 200, address
        assert client.get("/openapi.json").json()["info"]["version"] == VERSION


def test_it_draws_without_the_service(installed, models, tmp_path):
    grid = tmp_path / "grid.png"
    installed.ganymede("generate", "fashion", "--seeds", "0-3", "-o", grid, "--models", models)
    assert grid.read_bytes().startswith(b"\x89PNG")
