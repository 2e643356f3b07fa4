"""A model that draws with transparency, on the page: seen through, kept in downloads, read beside."""

import io

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.conftest import run_server
from tests.tiny_models import TinyModel, publish_tiny_model

GROUND = "element => getComputedStyle(element).backgroundImage"


@pytest.fixture(scope="module")
def clear(tmp_path_factory):
    """A server of a model with four channels, and of one with three."""
    root = tmp_path_factory.mktemp("clear")
    publish_tiny_model(root / "models", TinyModel(name="clear", side=16, channels=4))
    publish_tiny_model(root / "models", TinyModel(name="colour", side=16, channels=3))
    with run_server(root / "models", root, "--default-model", "clear") as running:
        yield running


def test_what_is_transparent_is_seen_through_and_text_stands_on_the_page(visit, clear):
    visit.open(f"{clear.url}/ui/?model=colour@v1&seed=0")
    stood = "stage => { stage.dataset.colour = stage.style.backgroundColor = 'rgb(0, 0, 0)' }"
    visit.page.locator(".stage").evaluate(stood)  # as on the ground of an opaque picture
    assert visit.page.locator(".tile").first.evaluate(GROUND) == "none"
    visit.page.get_by_label("Model").select_option("clear@v1")
    visit.wait_for_address("clear@v1")
    visit.wait_until_settled()
    assert "conic-gradient" in visit.page.locator(".tile").first.evaluate(GROUND)
    assert "conic-gradient" in visit.page.locator(".stage .player canvas").evaluate(GROUND)
    visit.page.wait_for_function("() => !document.querySelector('.stage').dataset.colour")
    assert visit.page.locator(".stage").evaluate(GROUND) == "none"
    alphas = visit.page.evaluate(
        "() => { const canvas = document.querySelector('.tile[data-seed=\"0\"] canvas');"
        " return [...canvas.getContext('2d').getImageData(0, 0, 16, 16).data].filter((_, i) => i % 4 === 3) }"
    )
    drawn = httpx.post(f"{clear.url}/generate", json={"model": "clear@v1", "seeds": [0], "truncation": 0.8})
    wanted = np.asarray(Image.open(io.BytesIO(drawn.content)))[:, :, 3].ravel()
    assert len(set(alphas)) > 5
    visit.wait_for_address("truncation=0.8")  # which is written once the page has settled
    assert alphas == wanted.tolist()


def test_downloads_keep_their_transparency(visit, clear):
    visit.open(f"{clear.url}/ui/?model=clear@v1&seed=0&picture=2")
    visit.page.locator(".lightbox .player canvas.drawn").wait_for()
    for button, size in (("PNG", 16), ("PNG ×8", 128)):
        with visit.page.expect_download() as download:
            visit.page.locator(".lightbox").get_by_text(button, exact=True).click()
        picture = Image.open(io.BytesIO(download.value.path().read_bytes()))
        assert (picture.mode, picture.size) == ("RGBA", (size, size))
        assert len(set(picture.getchannel("A").tobytes())) > 5
    visit.page.keyboard.press("Escape")
    visit.page.goto(f"{clear.url}/ui/?view=walk&model=clear@v1&walk=1,2&frames=4")
    visit.page.locator(".preview canvas.drawn").wait_for()
    for format, mode in (("webp", "RGBA"), ("apng", "RGBA"), ("gif", "RGB")):
        visit.page.locator("#format").select_option(format)
        with visit.page.expect_download() as download:
            visit.page.get_by_role("button", name="Download the walk").click()
        picture = Image.open(io.BytesIO(download.value.path().read_bytes()))
        lowest, _ = picture.convert("RGBA").getchannel("A").getextrema()
        assert (lowest == 255) == (mode == "RGB"), format
