"""Photo in, walk out: a visitor's picture beside what the model draws of it, and the ways from there."""

import io
import json
from urllib.parse import parse_qs, urlsplit

import httpx
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from tests.conftest import run_server
from tests.tiny_models import TinyModel, publish_tiny_model
from tests.tiny_projections import project_tiny_model
from tests.ui.conftest import copied, draw

KINDS = TinyModel(name="kinds", channels=3, classes=("circle", "square", "star"), weight_seed=6)
DRAWN = "#photo-in .found .player canvas"
PHONE = {"viewport": {"width": 390, "height": 844}}


@pytest.fixture(scope="module")
def projecting(tmp_path_factory):
    root, folder = tmp_path_factory.mktemp("models"), tmp_path_factory.mktemp("graphs")
    publish_tiny_model(root, KINDS, more=project_tiny_model(KINDS, folder, steps=3))
    publish_tiny_model(root, TinyModel(name="plain"))
    with run_server(root, folder, "--default-model", "kinds") as running:
        yield running


@pytest.fixture(scope="module")
def photo():
    noise = np.random.default_rng(1).integers(0, 256, (20, 30, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    return file.getvalue()


def spot_of(url: str) -> dict:
    """What the address says of where a picture was found."""
    query = parse_qs(urlsplit(url).query)
    return {name: [float(part) for part in query[name][0].split(",")] for name in ("latent", "weights")}


def shown_is_drawn_at(visit, server, spot) -> bool:
    wanted = {"model": "kinds", "latents": [spot["latent"]], "labels": [spot["weights"]]}
    return np.array_equal(visit.pixels(DRAWN), draw(server, **wanted))


def test_a_file_is_found_shown_beside_what_is_drawn_and_its_link_shows_it_again(visit, projecting, photo):
    visit.open(f"{projecting.url}/ui/?model=kinds@v1&seed=0&class=star&truncation=0.5")
    visit.page.set_input_files("#photo-file", {"name": "me.mp4", "mimeType": "video/mp4", "buffer": photo})
    visit.page.get_by_text("This is no picture").wait_for()
    visit.page.set_input_files("#photo-file", {"name": "me.png", "mimeType": "image/png", "buffer": photo})
    spot = spot_of(visit.wait_for_address("latent="))
    told = httpx.post(f"{projecting.url}/project", content=photo).json()["images"][0]
    assert (spot["latent"], spot["weights"]) == (told["latent"], told["label"])
    visit.page.locator(f"{DRAWN}.drawn").wait_for()
    assert shown_is_drawn_at(visit, projecting, spot)
    assert visit.page.evaluate("document.querySelector('#photo-in .yours img').naturalWidth") == 30
    assert visit.page.get_by_text(f"Apart by {told['distance']:.3f}").is_visible()
    link = copied(visit, "#copy-spot")
    visit.page.goto("about:blank")
    visit.open(link)
    visit.page.locator(f"{DRAWN}.drawn").wait_for()
    assert shown_is_drawn_at(visit, projecting, spot)
    assert not visit.page.locator("#photo-in .yours").is_visible()
    visit.page.get_by_role("button", name="Put it away").click()
    visit.page.locator("#photo-in .found").wait_for(state="hidden")
    visit.page.wait_for_function("() => !location.href.includes('latent')")


def test_a_picture_may_be_dropped_or_pasted(visit, projecting, photo):
    visit.open(f"{projecting.url}/ui/?model=kinds@v1&seed=0")
    give = """([kind, bytes]) => {
      const carried = new DataTransfer();
      carried.items.add(new File([new Uint8Array(bytes)], "x.png", { type: "image/png" }));
      const target = document.querySelector(".wall");
      const named = { bubbles: true, cancelable: true };
      target.dispatchEvent(kind === "drop"
        ? new DragEvent("drop", { ...named, dataTransfer: carried })
        : new ClipboardEvent("paste", { ...named, clipboardData: carried }));
    }"""
    visit.page.evaluate(give, ["drop", list(photo)])
    first = visit.wait_for_address("latent=")
    other = io.BytesIO()
    Image.new("RGB", (9, 9), "red").save(other, "PNG")
    visit.page.evaluate(give, ["paste", list(other.getvalue())])
    visit.page.wait_for_function("before => location.href !== before", arg=first)
    assert spot_of(visit.page.url)["latent"] != spot_of(first)["latent"]


def test_variations_and_a_walk_start_from_it(visit, projecting, photo):
    visit.open(f"{projecting.url}/ui/?model=kinds@v1&seed=0")
    visit.page.set_input_files("#photo-file", {"name": "me.png", "mimeType": "image/png", "buffer": photo})
    spot = spot_of(visit.wait_for_address("latent="))
    visit.page.locator("#photo-in .around canvas").nth(7).wait_for()
    with visit.page.expect_response("**/latent-walk") as walked:
        visit.page.get_by_role("button", name="Walk from it").click()
    asked = json.loads(walked.value.request.post_data)
    assert walked.value.status == 200
    assert asked["latents"][0] == spot["latent"]
    assert asked["labels"][0] == spot["weights"]
    visit.page.get_by_role("button", name="Walk from it").click()  # it stands still again
    near = visit.pixels("#photo-in .around button:nth-child(3) canvas")
    visit.page.get_by_role("button", name="Variation 3").click()
    visit.page.wait_for_function("before => !location.href.includes(before)", arg=str(spot["latent"][0]))
    moved = spot_of(visit.page.url)
    assert moved["latent"] != spot["latent"]
    wanted = {"model": "kinds", "latents": [moved["latent"]], "labels": [moved["weights"]]}
    assert np.array_equal(near, draw(projecting, **wanted))


@pytest.mark.parametrize("visit", [{}, PHONE], ids=["light", "phone"], indirect=True)
def test_it_is_there_for_models_with_an_encoder_alone_and_for_everyone(visit, projecting, photo):
    visit.open(f"{projecting.url}/ui/?model=plain@v1&seed=0")
    assert not visit.page.locator("#photo-in").is_visible()
    visit.open(f"{projecting.url}/ui/?model=kinds@v1&seed=0")
    visit.page.get_by_label("Choose a picture of yours").set_input_files(
        {"name": "me.png", "mimeType": "image/png", "buffer": photo}
    )
    visit.page.locator("#photo-in .around canvas").nth(7).wait_for()
    visit.page.wait_for_function("() => document.getAnimations().every(each => each.playState !== 'running')")
    found = [
        (violation["id"], violation["nodes"][0]["html"][:200])
        for violation in Axe().run(visit.page).response["violations"]
        if violation["impact"] in ("moderate", "serious", "critical")
    ]
    assert found == []
    width = visit.page.evaluate("document.documentElement.scrollWidth")
    assert width <= visit.page.viewport_size["width"]


def test_what_is_no_picture_is_said_in_the_apis_words(visit, projecting):
    visit.open(f"{projecting.url}/ui/?model=kinds@v1&seed=0")
    visit.page.set_input_files(
        "#photo-file",
        {"name": "me.heic", "mimeType": "image/heic", "buffer": b"\0\0\0\x18ftypheic" + bytes(9)},
    )
    visit.page.get_by_text("this is HEIC, AVIF or a video").wait_for()
    visit.errors.clear()
