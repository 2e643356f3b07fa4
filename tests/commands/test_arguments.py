"""Paths with `~` and text beyond ASCII on the command line, in whatever locale it runs."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from foundation.store import open_store
from ganymede.arguments import read_path, read_text
from tests.conftest import REPOSITORY
from tests.patience import PATIENCE_S
from tests.tiny_models import TinyModel, publish_tiny_model

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
LATIN = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "latin-1"}


@pytest.fixture(scope="module")
def cafes(tmp_path_factory):
    """A store with a model whose classes have accents, and one is in no Latin alphabet."""
    root = tmp_path_factory.mktemp("cafes")
    publish_tiny_model(root, TinyModel(name="cafes", classes=("café", "thé", "茶"), weight_seed=3))
    return root


def run(*words, home, cwd, **variables):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GANYMEDE_")}
    return subprocess.run(
        [sys.executable, "-m", "ganymede", *(os.fsencode(str(word)) for word in words)],
        cwd=cwd,
        env={**environment, "PYTHONPATH": str(REPOSITORY), "HOME": str(home), **variables},
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "words"), [("generate", ["--output=~/made/x.png"]), ("walk", ["-o", "~/made/x.png"])]
)
def test_a_tilde_that_the_shell_left_alone_is_the_home_folder(tmp_path, tiny_store, command, words):
    home, here = tmp_path / "home", tmp_path / "here"
    (home / "made").mkdir(parents=True)
    here.mkdir()
    made = run(command, "grey", "--seeds", "1,2", *words, "--models", tiny_store, home=home, cwd=here)
    assert made.returncode == 0, made.stderr
    assert (home / "made" / "x.png").read_bytes().startswith(b"\x89PNG")
    assert list(here.iterdir()) == []


def test_a_graph_to_import_may_lie_in_the_home_folder(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(REPOSITORY / "tests/store/exports/dcgan.onnx", home / "mine.onnx")
    made = run("import", "~/mine.onnx", "--name", "x", "--models", "store", home=home, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert open_store(str(tmp_path / "store")).versions("x") == ["v1"]


def test_a_home_of_nobody_is_refused_in_words(tmp_path, tiny_store):
    refused = run(
        "generate", "grey", "-o", "~nobody-here/x.png", "--models", tiny_store, home=tmp_path, cwd=tmp_path
    )
    assert refused.returncode == 2
    assert b"there is no such user" in refused.stderr
    assert b"Traceback" not in refused.stderr


def test_a_path_without_a_home_stays_as_it_is():
    assert read_path("a~/~b.png") == Path("a~/~b.png")
    assert read_path("./~x.png") == Path("./~x.png")


@pytest.mark.parametrize("locale", [ASCII, LATIN], ids=["ascii", "latin-1"])
def test_names_and_classes_beyond_ascii_work_in_every_locale(tmp_path, cafes, locale):
    store = tmp_path / "Speicher für Bücher"
    shutil.copytree(cafes, store)
    made = run(
        "generate", "cafes", "--seeds", "1", "--label", "茶", "-o", "grün.png", "--models", store,
        home=tmp_path, cwd=tmp_path, **locale,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "grün.png").read_bytes().startswith(b"\x89PNG")
    for words in (("models", "--models", store), ("generate", "--help")):
        shown = run(*words, home=tmp_path, cwd=tmp_path, **locale)
        assert shown.returncode == 0, shown.stderr
        assert b"Traceback" not in shown.stderr
    refused = run(
        "generate", "cafes", "--label", "thè", "--models", store, home=tmp_path, cwd=tmp_path, **locale
    )
    assert refused.returncode == 1
    assert b"Traceback" not in refused.stderr


def test_what_is_published_in_another_locale_is_read_in_every(tmp_path):
    graph = REPOSITORY / "tests/store/exports/conditional.onnx"
    made = run(
        "import", graph, "--name", "x", "--classes", "café,b,c,d,茶", "--promote", "production",
        "--licence", "© moi", "--models", "store", home=tmp_path, cwd=tmp_path, **ASCII,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    manifest = open_store(str(tmp_path / "store")).manifest("x", "v1")
    assert manifest.label is not None
    assert manifest.label.classes == ("café", "b", "c", "d", "茶")
    assert manifest.licence == "© moi"


def test_bytes_that_are_no_text_are_refused_in_words():
    with pytest.raises(typer.BadParameter, match=r"'caf\\udce9' is not text"):
        read_text("caf\udce9")


FILES = sorted(path for name in ("service", "ganymede") for path in (REPOSITORY / name).rglob("*.py"))


def test_text_is_written_and_read_in_an_encoding_that_is_named():
    """PEP 597: without one it is the locale's, and the next machine cannot read it."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            named = {keyword.arg for keyword in node.keywords}
            on_click = isinstance(node.func.value, ast.Name) and node.func.value.id == "formatter"
            if node.func.attr in ("read_text", "write_text") and not on_click:
                assert "encoding" in named, f"{path}:{node.lineno}"
            if "text" in named:
                assert "encoding" in named, f"{path}:{node.lineno}"


def test_the_log_in_json_is_utf_8_in_every_locale():
    program = (
        "import logging; from service.http.telemetry import configure_logs; configure_logs('json'); "
        r"logging.warning('caf\xe9 \u8336 \U0001f600')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        env={**os.environ, **LATIN},
        capture_output=True,
        timeout=PATIENCE_S,
        check=True,
    )
    assert json.loads(done.stderr.decode("utf-8"))["message"] == "café 茶 😀"


def test_what_pillow_says_of_a_picture_is_no_line_of_the_log():
    program = (
        "import io, warnings; from PIL import Image, ImageOps; "
        "from service.http.telemetry import configure_logs; configure_logs('json'); "
        "file = io.BytesIO(); damaged = b'Exif\\0\\0II*\\0\\x08\\0\\0\\0\\x09\\0'; "
        "Image.new('L', (8, 8)).save(file, 'JPEG', exif=damaged); "
        "ImageOps.exif_transpose(Image.open(file)); warnings.warn('ours')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        capture_output=True,
        timeout=PATIENCE_S,
        check=True,
    )
    assert done.stderr.decode("utf-8").splitlines() == ["<string>:1: UserWarning: ours"]
