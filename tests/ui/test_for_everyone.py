"""By keyboard, by screen reader, in the dark, on a phone; and every module as a browser reads it."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.ui.test_files import FRONT

PHONE = {"viewport": {"width": 390, "height": 844}}
DARK = {"color_scheme": "dark"}
VIEWS = {
    "view=pictures&seed=0": ".tile canvas.drawn",
    "seed=0&picture=2": ".lightbox .player canvas.drawn",
    "view=walk&walk=1,2,3": ".preview canvas.drawn",
    "view=favourites": ".empty",
    "view=models": "dl dd",
}


def wait_until_at_rest(visit, inside: str) -> None:
    visit.page.locator(inside).first.wait_for()
    visit.page.wait_for_function(
        "() => document.getAnimations().every(animation => animation.playState !== 'running')"
    )


@pytest.mark.parametrize("visit", [{}, DARK, PHONE], ids=["light", "dark", "phone"], indirect=True)
def test_axe_finds_nothing_serious_or_moderate_in_any_view(visit, tiny):
    visit.page.add_init_script(
        "addEventListener('securitypolicyviolation', event => console.error(event.violatedDirective))"
    )
    found = []
    for query, inside in VIEWS.items():
        visit.page.goto(f"{tiny.url}/ui/?model=colour@v1&{query}")
        wait_until_at_rest(visit, inside)
        found += [
            (query, violation["id"], violation["nodes"][0]["html"][:200])
            for violation in Axe().run(visit.page).response["violations"]
            if violation["impact"] in ("moderate", "serious", "critical")
        ]
        width = visit.page.evaluate("document.documentElement.scrollWidth")
        assert width <= visit.page.viewport_size["width"], query
    assert found == []


@pytest.mark.parametrize("visit", [PHONE], ids=["phone"], indirect=True)
def test_on_a_phone_the_picture_is_first_and_stays_in_sight_above_the_controls(visit, bundled):
    visit.page.goto(f"{bundled.url}/ui/")
    visit.page.locator(".stage .player canvas.drawn").wait_for()
    stage = visit.page.locator(".stage .player").bounding_box()
    assert stage["y"] < 120
    assert stage["height"] >= 300
    visit.page.get_by_role("button", name="Controls").click()
    slider = visit.page.get_by_label("Truncation")
    box = slider.bounding_box()
    assert 400 < box["y"] < 844
    assert stage["y"] + stage["height"] / 2 < visit.page.locator(".controls").bounding_box()["y"]
    slider.fill("0.5")
    visit.wait_for_address("truncation=0.5")
    visit.page.get_by_role("button", name="Controls").click()
    assert not slider.is_visible()


@pytest.mark.parametrize(
    "visit", [{**PHONE, "device_scale_factor": 2, "has_touch": True}], ids=["phone"], indirect=True
)
def test_on_a_phone_the_wall_fills_its_width_and_keys_are_reordered_by_touch(visit, tiny):
    visit.open(f"{tiny.url}/ui/?model=colour@v1&seed=0")
    boxes = [tile.bounding_box() for tile in visit.page.locator(".tile").all()[:3]]
    assert {box["y"] for box in boxes} == {boxes[0]["y"]}
    assert 390 - (boxes[2]["x"] + boxes[2]["width"]) <= boxes[0]["x"] + 4
    assert (2 * boxes[0]["width"]) % 8 == 0  # every pixel is as many of the screen's as the next
    visit.page.goto(f"{tiny.url}/ui/?view=walk&model=colour@v1&walk=3,14,9")
    button = visit.page.get_by_role("button", name="Move key 1 to the right")
    assert min(button.bounding_box()[side] for side in ("width", "height")) >= 24
    button.tap()
    visit.wait_for_address("walk=14,3,9")
    finger = visit.page.context.new_cdp_session(visit.page)
    places = [key.bounding_box() for key in visit.page.locator(".keys .key").all()]
    first, last = ({"x": box["x"] + box["width"] / 2, "y": box["y"] + 30} for box in (places[0], places[2]))

    def touch(kind, *points) -> None:
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    touch("touchStart", first)
    visit.page.locator(".keys .lifted").wait_for()  # it is held for a moment
    touch("touchMove", last)
    visit.page.locator(".keys li:nth-child(3).after").wait_for()
    touch("touchEnd")
    visit.wait_for_address("walk=3,9,14")


def test_the_page_works_by_keyboard_and_shows_where_it_is(visit, tiny):
    visit.open(f"{tiny.url}/ui/?model=colour@v1&seed=0")
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.textContent") == "Skip to the pictures"
    for _ in range(40):
        visit.page.keyboard.press("Tab")
        if visit.page.evaluate("document.activeElement.className") == "tile":
            break
    seed = "Number(document.activeElement.dataset.seed)"
    assert visit.page.evaluate(seed) == 0
    assert visit.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    visit.page.keyboard.press("ArrowRight")
    assert visit.page.evaluate(seed) == 1
    visit.page.keyboard.press("ArrowDown")
    columns = visit.page.evaluate(seed) - 1
    assert columns >= 3
    for _ in range(12):
        visit.page.keyboard.press("ArrowDown")
    assert visit.page.evaluate(seed) == 1 + 13 * columns
    box = visit.page.evaluate("document.activeElement.getBoundingClientRect().toJSON()")
    assert box["top"] >= 0
    assert box["bottom"] <= 900
    visit.page.keyboard.press("Enter")
    visit.page.get_by_role("heading", name=f"Seed {1 + 13 * columns}").wait_for()
    visit.page.keyboard.press("Escape")
    visit.page.wait_for_function("() => !location.search.includes('picture=')")  # the history went back
    visit.wait_until_settled()
    assert visit.page.evaluate(seed) == 1 + 13 * columns
    visit.page.keyboard.press("Tab")  # past the wall, of which one is a stop
    assert visit.page.evaluate("document.activeElement.className") != "tile"


def test_every_module_is_read_without_an_error(visit, tiny):
    """Each as it is written, before they are made one script."""
    visit.page.goto(f"{tiny.url}/ui/?view=models")
    visit.page.route(
        "**/modules/*.js", lambda route: route.fulfill(path=FRONT / route.request.url.rsplit("/")[-1])
    )
    for path in sorted(FRONT.glob("*.js")):
        if path.name != "main.js":
            assert visit.page.evaluate(
                "url => import(url).then(module => Object.keys(module).length)", f"/ui/modules/{path.name}"
            )


def test_the_models_view_tells_what_is_in_the_store(visit, bundled):
    visit.page.goto(f"{bundled.url}/ui/?view=models")
    visit.page.get_by_role("heading", name="fashion", exact=True).wait_for()
    visit.page.get_by_text("production is v3").first.wait_for()
    visit.page.get_by_text("fd fashion cnn 10k", exact=True).wait_for()
    visit.page.wait_for_function(
        "() => [...document.querySelectorAll('img.samples')].some(image => image.naturalWidth)"
    )
    visit.page.get_by_text("How it was trained").last.click()
    visit.page.get_by_text(
        "36 epochs by the preset modern, 1 h 42 min, 2,160,000 pictures looked at."
    ).wait_for()
    chart = visit.page.get_by_role("img", name="losses over 36 epochs: generator from 3.28 to ")
    assert chart.bounding_box()["height"] > 80
    assert visit.page.get_by_role("img", name="fd fashion cnn 5k train over 36 epochs").count() == 1
    visit.page.emulate_media(color_scheme="dark")
    visit.page.set_viewport_size(PHONE["viewport"])
    wait_until_at_rest(visit, ".charts")
    found = Axe().run(visit.page).response["violations"]
    assert [violation["id"] for violation in found if violation["impact"] != "minor"] == []
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= PHONE["viewport"]["width"]
    visit.page.get_by_text("v1", exact=True).last.click()
    visit.page.get_by_role("link", name="See pictures of fashion@v1").click()
    visit.wait_for_address("model=fashion@v1")
