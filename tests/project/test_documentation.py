"""What the README and the table of settings say is tried here."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import get_args

import pytest

from benchmarks.attacks.attackers import ATTACKS
from ganymede.commands.flags import make_flags
from service.settings import PREFIX, Settings
from tests.patience import PATIENCE_S

REPOSITORY = Path(__file__).parent.parent.parent
README = (REPOSITORY / "README.md").read_text()
SETTINGS = (REPOSITORY / "docs" / "settings.md").read_text()
API = (REPOSITORY / "docs" / "api.md").read_text()
CURL_LINES = re.findall(r"^curl .*$", README + API, re.MULTILINE)


@pytest.mark.parametrize("line", CURL_LINES)
def test_every_curl_line_of_the_readme_and_the_api_works(line, server, tmp_path):
    words = shlex.split(line.replace("localhost:8000", server.url), comments=True)
    result = subprocess.run([*words, "-sf"], cwd=tmp_path, check=False, timeout=PATIENCE_S)
    assert result.returncode == 0
    [output] = tmp_path.iterdir()
    assert output.stat().st_size > 50


def test_the_readme_has_curl_lines_and_pictures_that_exist():
    assert len(CURL_LINES) >= 4
    for folder, text in ((REPOSITORY, README), (REPOSITORY / "docs", API)):
        for picture in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text):
            assert (folder / picture).is_file()


def test_the_table_of_settings_has_a_row_for_each_and_no_other():
    names = re.findall(rf"^\| `{PREFIX}(\w+)` \|", SETTINGS, re.MULTILINE)
    assert names == [name.upper() for name in Settings.model_fields]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_row_of_settings_has_the_default_the_bounds_and_whether_there_is_a_flag(name):
    [row] = re.findall(rf"^\| `{PREFIX}{name.upper()}` \| (.*) \|$", SETTINGS, re.MULTILINE)
    default, takes, does = row.split(" | ")
    field = Settings.model_fields[name]
    assert default.strip("`").replace(",", "") == write_value(field.default)
    bounds = [
        getattr(rule, kind) for rule in field.metadata for kind in ("ge", "gt", "le") if hasattr(rule, kind)
    ]
    assert {write_value(bound) for bound in bounds} <= set(re.findall(r"[\d.]+", takes.replace(",", "")))
    assert all(f"`{choice}`" in takes for choice in get_args(field.annotation) if isinstance(choice, str))
    assert ("No flag" in does) == (name not in make_flags().parameters)


def write_value(value):
    """A default or a bound as the table has it, without the commas between thousands."""
    return {None: "none", "": "empty"}.get(value, str(value).removesuffix(".0"))


RELIABILITY = (REPOSITORY / "docs" / "reliability.md").read_text()


def test_every_test_that_holds_a_promise_exists():
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", RELIABILITY)
    assert len(named) > 40
    for path, name in named:
        assert re.search(rf"^(async )?def {name}\(", (REPOSITORY / path).read_text(), re.MULTILINE), (
            f"{path}::{name}"
        )


def test_what_others_wait_is_told_of_every_attack():
    number = r"[\d.,]+ \| "
    for _, _, words in ATTACKS.values():
        assert re.search(rf"^\| {re.escape(words)} \| {4 * number}0 \|$", RELIABILITY, re.MULTILINE), words


def test_every_document_that_is_referred_to_exists():
    for document in (*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")):
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} refers to {target}"


def test_pictures_of_ones_own_are_trained_on_by_the_preset_that_takes_any_size():
    """The default draws 28×28 in grey, and refuses others."""
    paths = (REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md"))
    lines = [
        line
        for path in paths
        for line in re.findall(r"^\S*ganymede train .*folder:.*$", path.read_text(), re.MULTILINE)
    ]
    assert len(lines) >= 4
    assert [line for line in lines if "--preset modern" not in line] == []


def test_what_was_trained_is_exported_before_it_is_published_wherever_the_way_is_shown():
    """A run that is not exported is refused by `ganymede publish`."""
    shown = 0
    for path in (REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")):
        for block in re.findall(r"^```sh\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL):
            words = re.findall(r"^\S*ganymede (train|export|publish)\b", block, re.MULTILINE)
            if "train" in words and "publish" in words:
                shown += 1
                assert "export" in words[words.index("train") : words.index("publish")], path.name
    assert shown >= 2
