"""One picture large: what it says of itself, and what can be taken from it."""

import shlex
import subprocess

import numpy as np
from PIL import Image

from tests.ui.conftest import copied, draw

LOOK = "model=colour@v1&seed=10&class=star&truncation=0.7"
LARGE = ".lightbox .player canvas"


def test_a_click_opens_one_large_with_its_seed_and_class_and_back_closes_it(visit, tiny):
    visit.open(f"{tiny.url}/ui/?model=colour@v1&seed=10")
    visit.page.locator('.tile[data-seed="12"]').click()
    visit.page.get_by_role("heading", name="Seed 12").wait_for()
    visit.page.get_by_text(" · ").filter(has_text="colour@v1").wait_for()
    assert np.array_equal(visit.pixels(LARGE), draw(tiny, model="colour@v1", seeds=[12]))
    assert visit.page.locator(".lightbox .told").inner_text().split(" · ")[1] in ("circle", "square", "star")
    visit.page.keyboard.press("ArrowRight")
    visit.page.get_by_role("heading", name="Seed 13").wait_for()
    visit.wait_for_address("picture=13")
    visit.page.keyboard.press("Escape")
    visit.page.locator(".lightbox").wait_for(state="hidden")
    # The event that moves the focus comes after the dialog is hidden.
    visit.page.wait_for_function("() => document.activeElement.dataset.seed === '13'")
    visit.page.wait_for_function("() => !location.href.includes('picture')")
    visit.page.locator('.tile[data-seed="14"]').click()
    visit.wait_for_address("picture=14")
    visit.page.go_back()
    visit.page.locator(".lightbox").wait_for(state="hidden")


def test_its_link_shows_the_same_elsewhere_and_its_curl_line_gets_the_same(visit, browser, tiny, tmp_path):
    visit.open(f"{tiny.url}/ui/?{LOOK}&picture=12")
    shown = visit.pixels(LARGE)
    assert np.array_equal(shown, draw(tiny, model="colour@v1", seeds=[12], label="star", truncation=0.7))
    line, link = copied(visit, ".lightbox #copy-curl"), copied(visit, ".lightbox #copy-link")
    done = subprocess.run(line, shell=True, cwd=tmp_path, check=False, capture_output=True)  # noqa: S602 - as pasted
    assert done.returncode == 0, done.stderr
    [file] = tmp_path.iterdir()
    assert file.name == shlex.split(line)[-1] == "colour@v1-12.png"
    assert np.array_equal(np.asarray(Image.open(file).convert("RGB")), shown)
    elsewhere = browser.new_context(viewport={"width": 800, "height": 700})
    visit.page = elsewhere.new_page()
    visit.page.goto(link)
    assert np.array_equal(visit.pixels(LARGE), shown)
    elsewhere.close()


def test_it_is_downloaded_as_it_is_eight_times_as_large_and_as_a_walk(visit, tiny):
    visit.open(f"{tiny.url}/ui/?{LOOK}&picture=12")
    plain = draw(tiny, model="colour@v1", seeds=[12], label="star", truncation=0.7)
    for button, size in (("PNG", 8), ("PNG ×8", 64)):
        with visit.page.expect_download() as download:
            visit.page.locator(".lightbox").get_by_text(button, exact=True).click()
        picture = np.asarray(Image.open(download.value.path()).convert("RGB"))
        assert picture.shape == (size, size, 3)
        assert np.array_equal(picture[:: size // 8, :: size // 8], plain)
    for button, sign in (("Walk MP4", b"ftyp"), ("Walk GIF", b"GIF8")):
        with visit.page.expect_download() as download:
            visit.page.locator(".lightbox").get_by_text(button, exact=True).click()
        assert sign in download.value.path().read_bytes()[:16]
        assert download.value.suggested_filename == f"colour@v1-walk-12.{button[-3:].lower()}"


def test_a_favourite_is_kept_as_it_looked_and_can_be_let_go(visit, tiny):
    visit.open(f"{tiny.url}/ui/?{LOOK}&picture=12")
    shown = visit.pixels(LARGE)
    visit.page.get_by_role("button", name="Keep as a favourite").click()
    visit.page.keyboard.press("Escape")
    visit.page.get_by_label("Model").select_option("grey@v2")
    visit.wait_for_address("grey@v2")
    visit.page.get_by_role("link", name="Favourites").click()
    assert np.array_equal(visit.pixels(".kept canvas"), shown)
    visit.page.reload()
    visit.page.get_by_role("link", name="Seed 12 of colour@v1").click()
    assert np.array_equal(visit.pixels(LARGE), shown)
    visit.page.go_back()
    visit.page.get_by_role("button", name="Let go of seed 12").click()
    visit.page.reload()
    visit.page.get_by_text("Nothing is kept yet").wait_for()
