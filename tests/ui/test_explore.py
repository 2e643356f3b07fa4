"""The tab that explores, on a model that has directions and on one that has none."""

import re
import shutil

import pytest
from typer.testing import CliRunner

from ganymede.command import app
from tests.conftest import REPOSITORY, run_server

LINE = "#explore-curl textarea"


@pytest.fixture(scope="module")
def explorable(tmp_path_factory):
    """The server on the bundled model with directions in its newest version."""
    root = tmp_path_factory.mktemp("explore") / "models"
    shutil.copytree(REPOSITORY / "models" / "fashion", root / "fashion")
    command = ["directions", "fashion", "--count", "4", "--names", "shoes", "--promote", "production"]
    result = CliRunner().invoke(app, [*command, "--models", str(root)])
    assert result.exit_code == 0, result.output
    with run_server(root, tmp_path_factory.mktemp("server")) as running:
        yield running


def test_a_slider_moves_the_pictures_along_its_direction(visit, explorable):
    visit.open(f"{explorable.url}/ui/")
    visit.open_tab("Explore")
    visit.page.locator("#explored img").nth(7).wait_for(timeout=30_000)
    before = visit.page.locator("#explored img").first.get_attribute("src")
    slider = visit.page.get_by_label("range slider for shoes")
    slider.focus()
    for _ in range(16):
        visit.page.keyboard.press("ArrowRight")
    visit.page.wait_for_function(
        "line => document.querySelector(line).value.includes('directions')", arg=LINE, timeout=30_000
    )
    visit.page.wait_for_function(
        "before => document.querySelector('#explored img')?.src !== before", arg=before, timeout=30_000
    )
    assert re.search(r'"directions": {"0": [\d.]+}', visit.page.locator(LINE).input_value())


def test_without_directions_the_page_says_how_to_get_them(visit, bundled):
    visit.open(f"{bundled.url}/ui/")
    visit.open_tab("Explore")
    visit.page.get_by_text("ganymede directions fashion").wait_for(timeout=30_000)
