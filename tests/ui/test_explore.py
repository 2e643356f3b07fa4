"""The tab that explores, on a model that has directions and on one that has none."""

import io
import shlex
import shutil

import httpx
import numpy as np
import pytest
from PIL import Image
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


def test_a_slider_moves_the_pictures_along_its_direction_however_fast_it_goes(visit, explorable):
    visit.open(f"{explorable.url}/ui/")
    visit.open_tab("Explore")
    visit.page.locator("#explored img").nth(7).wait_for()
    before = visit.page.locator("#explored img").first.get_attribute("src")
    slider = visit.page.get_by_label("range slider for shoes")
    slider.focus()
    for _ in range(10):
        visit.page.keyboard.press("ArrowRight")
    line = wait_for_line(visit, '"directions": {"shoes": 2.5}')
    assert slider.input_value() == "2.5"
    visit.page.wait_for_function(
        "before => document.querySelector('#explored img')?.src !== before", arg=before
    )
    assert_pictures_are_those_of(visit, line)
    visit.page.get_by_text("Back to the middle").click()
    visit.page.wait_for_function(
        "before => document.querySelector('#explored img')?.src === before", arg=before
    )
    assert "directions" not in visit.page.locator(LINE).input_value()


def test_another_model_brings_its_own_sliders_and_pictures(visit, explorable):
    visit.open(f"{explorable.url}/ui/")
    visit.open_tab("Explore")
    visit.page.get_by_label("range slider for shoes").fill("2")
    wait_for_line(visit, '"directions": {"shoes": 2}')
    visit.page.locator("#model input").click()
    visit.page.get_by_role("option", name="fashion@v1", exact=True).click()
    line = wait_for_line(visit, '"model": "fashion@v1", "seed"')
    visit.page.get_by_text("fashion@v1 has no directions").wait_for()
    visit.page.get_by_text("ganymede directions fashion").wait_for()
    assert "directions" not in line
    assert_pictures_are_those_of(visit, line)


def wait_for_line(visit, part: str) -> str:
    visit.page.wait_for_function(
        "([line, part]) => document.querySelector(line)?.value.includes(part)",
        arg=[LINE, part],
    )
    return visit.page.locator(LINE).input_value()


def assert_pictures_are_those_of(visit, line: str) -> None:
    """The gallery's pictures, side by side, are the grid that the `curl` line gets."""
    visit.page.wait_for_function(
        "[...document.querySelectorAll('#explored img')].every(image => image.naturalWidth)"
    )
    sources = [image.get_attribute("src") for image in visit.page.locator("#explored img").all()]
    shown = [np.asarray(Image.open(io.BytesIO(httpx.get(source).content)).convert("L")) for source in sources]
    words = shlex.split(line)
    grid = httpx.post(words[3], content=words[words.index("-d") + 1]).content
    rows = [np.concatenate(shown[start : start + 4], axis=1) for start in (0, 4)]
    assert np.array_equal(np.concatenate(rows), np.asarray(Image.open(io.BytesIO(grid))))
