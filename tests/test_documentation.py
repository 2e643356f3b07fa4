"""What the README says is tried here."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text()
CURL_LINES = re.findall(r"^curl .*$", README, re.MULTILINE)


@pytest.mark.parametrize("line", CURL_LINES)
def test_every_curl_line_of_the_readme_works(line, server, tmp_path):
    words = shlex.split(line.replace("localhost:8000", server.url), comments=True)
    result = subprocess.run([*words, "-sf"], cwd=tmp_path, check=False, timeout=30)
    assert result.returncode == 0
    [output] = tmp_path.iterdir()
    assert output.stat().st_size > 50


def test_the_readme_has_curl_lines_and_pictures_that_exist():
    assert len(CURL_LINES) >= 4
    for picture in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (Path(__file__).parent.parent / picture).is_file()
