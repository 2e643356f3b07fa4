"""The web page, end to end in a real browser."""

import io
import json
import re
import shlex

import httpx
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from service.ui.curves import list_points

PHONE = {"viewport": {"width": 390, "height": 844}}
DARK = {"color_scheme": "dark"}
INSIDE = {
    "Generate": "#pictures img",
    "Walk": "#candidates img",
    "Explore": "#explored img",
    "Models": "#samples img",
}
"""Each tab, and the pictures that are there when all of it is."""
TABS = tuple(INSIDE)


def wait_until_at_rest(visit, pictures: str) -> None:
    """Wait until the pictures have come and nothing moves, fades or turns any more."""
    visit.page.locator(pictures).first.wait_for()
    visit.page.wait_for_function(
        "pictures => [...document.querySelectorAll(pictures)].every(image => image.naturalWidth)"
        " && document.getAnimations().every(animation => animation.playState !== 'running')",
        arg=pictures,
    )


def field(visit, elem_id: str) -> str:
    return visit.page.locator(f"#{elem_id} textarea, #{elem_id} input").first.input_value()


def wait_for_field(visit, elem_id: str, pattern: str) -> str:
    visit.page.wait_for_function(
        "([id, pattern]) => new RegExp(pattern).test("
        "document.querySelector(`#${id} textarea, #${id} input`)?.value)",
        arg=[elem_id, pattern],
    )
    return field(visit, elem_id)


def run_curl(line: str) -> httpx.Response:
    """Ask for what a line of the page asks for."""
    words = shlex.split(line)
    if "-d" not in words:
        return httpx.get(words[1])
    assert words[:3] == ["curl", "-X", "POST"]
    return httpx.post(words[3], content=words[words.index("-d") + 1])


def picture(visit, selector: str, index: int) -> np.ndarray:
    source = visit.page.locator(f"{selector} img").nth(index).get_attribute("src")
    return np.asarray(Image.open(io.BytesIO(httpx.get(source).content)).convert("L"))


def test_generate_shows_what_its_curl_line_gets_and_a_click_tells_the_seed(visit, bundled):
    visit.open(f"{bundled.url}/")
    assert visit.page.url == f"{bundled.url}/ui/"
    grid = Image.open(io.BytesIO(run_curl(wait_for_field(visit, "generate-curl", "curl")).content))
    shown = np.concatenate([picture(visit, "#pictures", index) for index in range(4)], axis=1)
    assert np.array_equal(np.asarray(grid)[: shown.shape[0]], shown)
    visit.page.locator("#pictures button.thumbnail-item").nth(3).click()
    seed = int(wait_for_field(visit, "picked", r"^\d+$"))
    exact = httpx.get(f"{bundled.url}/images/fashion/{seed}.png")
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(exact.content))), picture(visit, "#pictures", 3))


def test_a_kept_seed_gives_the_same_pictures_and_another_gives_others(visit, bundled):
    visit.open(f"{bundled.url}/ui/")
    first = wait_for_field(visit, "generate-curl", "curl")
    visit.page.get_by_label("Keep this seed").check()
    visit.page.get_by_label("Truncation").first.fill("0.5")
    visit.page.locator("#generate").click()
    second = wait_for_field(visit, "generate-curl", "truncation")
    seeds = [re.search(r'"seed": (\d+)', line)[1] for line in (first, second)]
    assert seeds[0] == seeds[1]
    visit.page.get_by_text("New seed").click()
    third = wait_for_field(visit, "generate-curl", f'"seed": (?!{seeds[0]},)')
    assert '"truncation": 0.5' in third


def test_a_chosen_class_holds_for_the_pictures_and_goes_with_a_model_that_has_none(visit, bundled):
    visit.open(f"{bundled.url}/ui/")
    visit.page.locator("#class input").click()
    visit.page.get_by_role("option", name="sandal", exact=True).click()
    visit.page.locator("#generate").click()
    line = wait_for_field(visit, "generate-curl", '"label": "sandal"')
    grid = Image.open(io.BytesIO(run_curl(line).content))
    visit.page.wait_for_function(
        "[...document.querySelectorAll('#pictures img')].every(image => image.naturalWidth)"
    )
    shown = np.concatenate([picture(visit, "#pictures", index) for index in range(4)], axis=1)
    assert np.array_equal(np.asarray(grid)[: shown.shape[0]], shown)
    visit.page.locator("#model input").click()
    visit.page.get_by_role("option", name="fashion@v1", exact=True).click()
    line = wait_for_field(visit, "generate-curl", '"model": "fashion@v1", "seed"')
    visit.page.locator("#class").wait_for(state="hidden")
    assert run_curl(line).headers["x-model"] == "fashion@v1"


def test_the_curves_are_the_losses_and_the_distances_that_a_release_holds():
    first = {"epoch": 1, "seconds": 9.0, "generator_loss": 2.0, "discriminator_loss": 1.0}
    second = {
        "epoch": 2,
        "generator_loss": 1.0,
        "figures": {"fd_cnn": 3.0, "fd_cnn_real": 0.1, "recall_cnn": 1},
    }
    losses, distances = list_points([first, second])
    assert [(point["epoch"], point["loss"], point["of"]) for point in losses] == [
        (1, 2.0, "generator"),
        (1, 1.0, "discriminator"),
        (2, 1.0, "generator"),
    ]
    assert distances == [{"epoch": 2, "distance": 3.0, "of": "fd cnn"}]


def test_a_walk_by_way_of_clicked_pictures_plays_and_is_what_its_curl_line_gets(visit, bundled):
    visit.open(f"{bundled.url}/ui/")
    visit.open_tab("Walk")
    thumbnails = visit.page.locator("#candidates button.thumbnail-item")
    thumbnails.nth(4).wait_for()
    for count, index in enumerate((0, 2, 4), start=1):
        thumbnails.nth(index).click()
        wait_for_field(visit, "keys", rf"^(\d+(, )?){{{count}}}$")
    visit.page.locator("#walk").click()
    visit.page.wait_for_function("document.querySelector('#video video')?.currentTime > 0.2")
    line = wait_for_field(visit, "walk-curl", "curl")
    keys = [int(key) for key in field(visit, "keys").split(", ")]
    assert json.loads(shlex.split(line)[5])["seeds"] == keys
    source = visit.page.locator("#video video").get_attribute("src")
    assert httpx.get(source).content == run_curl(line).content


def test_a_picked_picture_becomes_a_key_of_the_walk(visit, bundled):
    visit.open(f"{bundled.url}/ui/")
    visit.page.locator("#pictures button.thumbnail-item").nth(1).click()
    seed = wait_for_field(visit, "picked", r"^\d+$")
    visit.page.locator("#to-walk").click()
    assert wait_for_field(visit, "keys", r"\d") == seed


def test_the_models_tab_shows_releases_figures_samples_and_curves(visit, bundled):
    visit.open(f"{bundled.url}/ui/")
    visit.open_tab("Models")
    line = wait_for_field(visit, "models-curl", "curl")
    manifest = run_curl(line).json()
    visit.page.locator("#releases").get_by_text("production").wait_for()
    assert manifest["licence"] in visit.page.locator("#figures").inner_text()
    visit.page.locator("#samples img").wait_for()
    assert visit.page.locator("#samples img").get_attribute("alt")
    visit.page.locator("#curves canvas, #curves svg").first.wait_for()


def test_what_is_wrong_is_said_in_words(visit, bundled):
    visit.open(f"{bundled.url}/ui/")
    visit.open_tab("Walk")
    visit.page.locator("#keys textarea, #keys input").first.fill("7")
    visit.page.locator("#walk").click()
    visit.page.get_by_text("a walk needs two or more").wait_for()


@pytest.mark.parametrize("visit", [{}, DARK, PHONE], ids=["light", "dark", "phone"], indirect=True)
def test_axe_finds_nothing_serious(visit, bundled):
    visit.open(f"{bundled.url}/ui/")
    found = []
    for tab, inside in INSIDE.items():
        visit.open_tab(tab)
        wait_until_at_rest(visit, inside)
        violations = Axe().run(visit.page).response["violations"]
        found += [
            (tab, violation["id"], violation["nodes"][0]["html"][:200])
            for violation in violations
            if violation["impact"] in ("serious", "critical")
        ]
    assert found == []


@pytest.mark.parametrize("visit", [PHONE], ids=["phone"], indirect=True)
def test_on_a_phone_every_tab_can_be_opened_and_nothing_has_to_be_scrolled_sideways(visit, bundled):
    visit.open(f"{bundled.url}/ui/")
    for tab, inside in zip(TABS, ("#generate", "#walk", "#explore-curl", "#models-curl"), strict=True):
        visit.open_tab(tab)
        visit.page.locator(inside).wait_for()
        for part in ("html", ".gradio-container"):  # the latter scrolls by itself
            width = visit.page.evaluate("part => document.querySelector(part).scrollWidth", part)
            assert width <= PHONE["viewport"]["width"], (tab, part)


def test_the_page_works_by_keyboard(visit, bundled):
    visit.open(f"{bundled.url}/ui/")
    before = wait_for_field(visit, "generate-curl", "curl")
    for _ in range(60):
        visit.page.keyboard.press("Tab")
        if visit.page.evaluate("document.activeElement.id") == "generate":
            break
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_function(
        "before => document.querySelector('#generate-curl textarea').value !== before", arg=before
    )
