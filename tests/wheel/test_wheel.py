"""The wheel brings every module and every file that they read; its libraries are those of the tests."""

import subprocess
import sys
import zipfile

import pytest

from foundation.version import NEVER_INSTALLED
from tests.conftest import REPOSITORY
from tests.tiny_models import TinyModel, publish_tiny_model
from tests.wheel.clean_environment import PACKAGES, VERSION, CleanEnvironment, build_wheel, run


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build_wheel(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    environment = CleanEnvironment(tmp_path_factory.mktemp("clean") / "venv")
    environment.install("--no-deps", "--no-index", wheel)
    environment.borrow_dependencies()
    return environment


def test_every_file_of_every_package_is_in_the_wheel(wheel):
    here = {
        str(path.relative_to(REPOSITORY))
        for package in PACKAGES
        for path in (REPOSITORY / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        there = set(archive.namelist())
    assert {name for name in there if ".dist-info/" not in name} == here
    assert {f"{package}/py.typed" for package in PACKAGES} <= there


def test_every_module_of_the_service_and_the_command_line_is_found_where_the_repository_is_not(installed):
    found = run(
        installed.bin / "python",
        "-c",
        "import importlib, pkgutil, foundation, service, ganymede\n"
        "for package in (foundation, service, ganymede):\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        if not module.name.startswith('ganymede.__main__'):\n"
        "            importlib.import_module(module.name)\n"
        "print(foundation.__file__)",
        folder=installed.folder,
    )
    assert found.stdout.startswith(str(installed.folder))


def test_the_version_stands_in_one_place_and_is_told_everywhere(installed, tmp_path):
    publish_tiny_model(tmp_path, TinyModel(name="grey"))
    assert installed.ganymede("--version") == f"ganymede {VERSION}\n"
    with installed.serve(tmp_path, GANYMEDE_UI="off") as client:
        assert client.get("/openapi.json").json()["info"]["version"] == VERSION
        assert client.post("/generate", json={"seed": 1}).headers["x-model"] == "grey@v1"


def test_sources_that_were_never_installed_say_so():
    done = subprocess.run(
        [sys.executable, "-S", "-c", "from foundation.version import read_version; print(read_version())"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{NEVER_INSTALLED}\n"
