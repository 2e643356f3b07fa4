"""The first view in a real browser: what moves, the wall, and the controls that redraw it."""

import json
import shlex

import numpy as np
import pytest

from tests.conftest import run_server
from tests.patience import wait_until
from tests.tiny_models import TinyModel, publish_tiny_model
from tests.ui.conftest import copied, draw

TINY = "model=colour@v1"


def test_the_first_thing_one_sees_moves_and_the_address_is_what_is_shown(visit, bundled):
    visit.page.goto(f"{bundled.url}/")
    visit.page.wait_for_function("() => document.querySelector('.stage .player canvas.drawn')")
    box = visit.page.locator(".stage .player").bounding_box()
    assert box["height"] >= 400  # large
    assert box["y"] + box["height"] < 900  # and in sight
    assert box["height"] % 28 == 0  # every pixel is a square of one size
    before = visit.pixels(".stage .player canvas")
    visit.page.wait_for_function(
        "before => { const canvas = document.querySelector('.stage .player canvas');"
        " const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);"
        " const apart = before.reduce((sum, level, i) => sum + Math.abs(level - data[4 * i]), 0);"
        " return apart / before.length > 4 }",
        arg=before[:, :, 0].ravel().tolist(),
    )
    assert "/ui/?" in visit.wait_for_address("model=fashion@v3")


def test_the_wall_goes_on_for_ever_in_a_bounded_document(visit, tiny):
    visit.open(f"{tiny.url}/ui/?{TINY}&seed=100")
    assert visit.seeds()[:3] == [100, 101, 102]
    most = len(visit.seeds())
    first = 100
    while first <= 400:  # a busy page may not have grown before it is scrolled again
        visit.page.evaluate("scrollBy(0, 3000)")
        visit.page.wait_for_timeout(50)
        most = max(most, len(visit.seeds()))
        first = int(visit.page.evaluate("Number(document.querySelector('.tile')?.dataset.seed ?? 0)"))
    visit.wait_until_settled()
    seeds = visit.seeds()
    assert seeds == list(range(seeds[0], seeds[0] + len(seeds)))
    assert most < 400
    seed = seeds[len(seeds) // 2]
    shown = visit.pixels(f'.tile[data-seed="{seed}"] canvas')
    assert np.array_equal(shown, draw(tiny, model="colour@v1", seeds=[seed]))


def test_seeds_begin_again_after_the_last(visit, tiny):
    visit.open(f"{tiny.url}/ui/?{TINY}&seed=4294967294")
    assert visit.seeds()[:4] == [4294967294, 4294967295, 0, 1]
    visit.wait_until_settled()
    assert np.array_equal(
        visit.pixels('.tile[data-seed="1"] canvas'), draw(tiny, model="colour@v1", seeds=[1])
    )


def test_a_typed_seed_is_honoured_and_a_wrong_one_is_said(visit, tiny):
    visit.open(f"{tiny.url}/ui/?{TINY}&seed=0")
    seed = visit.page.get_by_label("First seed")
    seed.fill("777")
    seed.press("Enter")
    visit.wait_for_address("seed=777")
    assert visit.seeds()[0] == 777
    seed.fill("99999999999")
    seed.press("Enter")
    assert "0 to 4294967295" in seed.evaluate("field => field.validationMessage")
    assert visit.seeds()[0] == 777
    visit.page.get_by_role("button", name="Other pictures").click()
    visit.page.wait_for_function("() => Number(document.querySelector('.tile')?.dataset.seed) !== 777")
    visit.page.go_back()
    visit.page.wait_for_function("() => Number(document.querySelector('.tile')?.dataset.seed) === 777")


def test_every_control_redraws_the_same_seeds(visit, tiny):
    visit.open(f"{tiny.url}/ui/?{TINY}&seed=5")
    seeds = visit.seeds()
    visit.page.get_by_label("Truncation").fill("0.5")
    visit.wait_for_address("truncation=0.5")
    visit.wait_until_settled()
    assert visit.seeds() == seeds
    wanted = {"model": "colour@v1", "seeds": [6], "truncation": 0.5}
    assert np.array_equal(visit.pixels('.tile[data-seed="6"] canvas'), draw(tiny, **wanted))
    visit.page.get_by_role("button", name="square", exact=True).click()
    visit.page.get_by_label("Blend with").select_option("star")
    visit.page.get_by_label("Share of star").fill("0.25")
    visit.wait_for_address("share=0.25")
    visit.wait_until_settled()
    assert visit.seeds() == seeds
    wanted["label"] = [0, 0.75, 0.25]
    assert np.array_equal(visit.pixels('.tile[data-seed="6"] canvas'), draw(tiny, **wanted))
    line = copied(visit, "#copy-wall-curl")
    body = json.loads(shlex.split(line)[shlex.split(line).index("-d") + 1])
    assert body == {
        **{name: wanted[name] for name in ("model", "label", "truncation")},
        "seed": 5,
        "count": 16,
    }
    assert np.array_equal(draw(tiny, **body)[:8, 8:16], draw(tiny, **wanted))


@pytest.mark.parametrize(
    ("model", "name", "side"),
    [
        ("fashion@v2", "narrowness", 28),
        ("fashion@v3", "narrowness", 28),
        ("emoji@v2", "warmth", 32),
        ("emoji@v3", "warmth", 32),
    ],
)
def test_directions_have_names_and_thumbnails_and_move_the_same_seeds(
    visit, browser, bundled, model, name, side
):
    visit.open(f"{bundled.url}/ui/?model={model}&seed=3")
    slider = visit.page.get_by_label(name)
    numbers = visit.page.locator(".direction code").all_text_contents()  # what the API calls the others
    assert [number.strip() for number in numbers] == (["2", "3", "4", "5"] if side == 28 else [])
    visit.page.wait_for_function(
        f"() => document.querySelector('canvas[data-name={name}]')?.width === {side}"
    )
    slider.fill("1.5")
    visit.wait_for_address(f"move={name}:1.5")
    visit.wait_until_settled()
    wanted = {"model": model, "seeds": [3], "directions": {name: 1.5}}
    assert np.array_equal(visit.pixels('.tile[data-seed="3"] canvas'), draw(bundled, **wanted))
    link = visit.page.url
    elsewhere = browser.new_context()
    visit.page = elsewhere.new_page()
    visit.open(link)
    visit.wait_until_settled()
    assert np.array_equal(visit.pixels('.tile[data-seed="3"] canvas'), draw(bundled, **wanted))
    elsewhere.close()


def test_a_model_without_directions_or_classes_shows_none(visit, tiny):
    visit.open(f"{tiny.url}/ui/?model=grey@v2")
    assert not visit.page.locator(".directions").is_visible()
    assert not visit.page.get_by_text("Class", exact=True).is_visible()


def test_while_a_slider_moves_the_pictures_change_with_it(visit, tiny):
    visit.open(f"{tiny.url}/ui/?{TINY}&seed=0")
    visit.wait_until_settled()
    visit.page.evaluate(  # how many redraws a second there are is measured in benchmarks
        "async () => { const slider = document.getElementById('truncation');"
        " const easel = document.querySelector('.beside').easel, before = easel.redraws;"
        " for (let step = 1; step % 40 || easel.redraws < before + 2; step += 1) {"
        "  slider.value = String((step % 40 + 1) / 50);"
        "  slider.dispatchEvent(new Event('input', {bubbles: true}));"
        "  await new Promise(requestAnimationFrame); } }"
    )
    visit.wait_for_address("truncation=0.8")
    visit.wait_until_settled()
    wanted = {"model": "colour@v1", "seeds": [2], "truncation": 0.8}
    assert np.array_equal(visit.pixels('.tile[data-seed="2"] canvas'), draw(tiny, **wanted))


def seeds_of(request):
    """Of a walk that was asked for; None of anything else."""
    return request.post_data_json["seeds"] if request.url.endswith("/latent-walk") else None


def test_under_the_pointer_a_picture_walks_and_then_stands_again(visit, tiny):
    visit.open(f"{tiny.url}/ui/?{TINY}&seed=0")
    visit.wait_until_settled()
    still = visit.pixels('.tile[data-seed="1"] canvas')
    # The stage walks too, through other seeds.
    with visit.page.expect_response(lambda answer: seeds_of(answer.request) == [1, 2]):
        visit.page.locator('.tile[data-seed="1"]').hover()
    visit.page.wait_for_function(
        "still => { const canvas = document.querySelector('.tile[data-seed=\"1\"] canvas');"
        " return canvas.getContext('2d').getImageData(0, 0, 1, 1).data[0] !== still }",
        arg=int(still[0, 0, 0]),
    )
    visit.page.mouse.move(5, 5)
    wait_until(lambda: np.array_equal(visit.pixels('.tile[data-seed="1"] canvas'), still))


@pytest.mark.parametrize("visit", [{"reduced_motion": "reduce"}], ids=["reduced"], indirect=True)
def test_who_wants_no_movement_sees_none_until_it_is_asked_for(visit, tiny):
    visit.open(f"{tiny.url}/ui/?{TINY}&seed=0")
    visit.page.wait_for_function("() => document.querySelector('.stage .player canvas.drawn')")
    before = visit.pixels(".stage .player canvas")
    visit.page.wait_for_timeout(400)
    assert np.array_equal(visit.pixels(".stage .player canvas"), before)
    visit.page.get_by_role("button", name="Play the walk").click()
    visit.page.wait_for_function(
        "before => document.querySelector('.stage .player canvas').getContext('2d').getImageData(0, 0, 1, 1)"
        ".data[0] !== before",
        arg=int(before[0, 0, 0]),
    )


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    """A server of a model with large pictures, which lets few of them pass at once."""
    root = tmp_path_factory.mktemp("large")
    publish_tiny_model(root / "models", TinyModel(name="large", side=160, channels=3))
    limits = {
        "GANYMEDE_MAX_IMAGES_PER_REQUEST": "40",
        "GANYMEDE_MAX_PIXELS_PER_RESPONSE": str(160 * 160 * 20),
    }
    with run_server(root / "models", root, **limits) as running:
        yield running


def test_large_pictures_come_as_light_files_and_as_few_at_once_as_the_service_lets_pass(visit, narrow):
    visit.open(f"{narrow.url}/ui/")
    visit.wait_until_settled()
    visit.page.wait_for_function("() => document.querySelector('.stage video')?.currentTime > 0.1")
    assert visit.pixels('.tile[data-seed="1"] canvas').shape == (160, 160, 3)
    visit.page.locator('.tile[data-seed="1"]').click()
    visit.page.locator(".lightbox .player canvas.drawn").wait_for()
    visit.errors = [error for error in visit.errors if "422" not in error]  # how it learns what is let pass
