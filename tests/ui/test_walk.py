"""The walk's view: its keys in order, a live preview, files of it."""

import io
import json
import shlex

import httpx
import numpy as np

from tests.ui.conftest import copied, draw

URL = "/ui/?view=walk&model=colour@v1&seed=0&walk=3,14,9"


def keys(visit) -> list[int]:
    return [int(text) for text in visit.page.locator(".keys .of").all_inner_texts()]


def wait_for_keys(visit, *seeds: int) -> None:
    visit.wait_for_address(f"walk={','.join(map(str, seeds))}")
    visit.page.wait_for_function(
        "seeds => [...document.querySelectorAll('.keys .of')].map(each => each.textContent).join() === seeds",
        arg=",".join(map(str, seeds)),
    )


def test_its_keys_are_numbered_reordered_by_keyboard_and_drag_added_and_taken_away(visit, tiny):
    visit.page.goto(tiny.url + URL)
    visit.page.get_by_role("button", name="Key 1, seed 3").wait_for()
    assert keys(visit) == [3, 14, 9]
    assert visit.page.locator(".keys .number").all_inner_texts() == ["1", "2", "3"]
    visit.page.get_by_role("button", name="Key 1, seed 3").focus()
    visit.page.keyboard.press("Alt+ArrowRight")
    wait_for_keys(visit, 14, 3, 9)
    assert visit.page.evaluate("document.activeElement.ariaLabel") == "Key 2, seed 3"
    visit.page.locator(".keys li").nth(2).drag_to(visit.page.locator(".keys li").nth(0))
    wait_for_keys(visit, 9, 14, 3)
    visit.page.get_by_label("Add seeds").fill("21, 4294967295, 99999999999, x")
    visit.page.keyboard.press("Enter")
    wait_for_keys(visit, 9, 14, 3, 21, 4294967295)
    visit.page.get_by_role("button", name="Key 2, seed 14").focus()
    visit.page.keyboard.press("Delete")
    wait_for_keys(visit, 9, 3, 21, 4294967295)
    visit.page.get_by_role("button", name="Take key 4 away").click()
    wait_for_keys(visit, 9, 3, 21)
    assert np.array_equal(
        visit.pixels(".keys li:nth-child(2) canvas"), draw(tiny, model="colour@v1", seeds=[3])
    )
    visit.page.go_back()
    wait_for_keys(visit, 9, 3, 21, 4294967295)


def test_the_preview_plays_what_the_options_say_and_the_curl_line_gets_it(visit, tiny):
    with visit.page.expect_response("**/latent-walk"):
        visit.page.goto(tiny.url + URL)
    visit.page.locator("#way").select_option("spline")
    visit.page.locator("#easing").select_option("smooth")
    visit.page.get_by_label("Return to the first").uncheck()
    visit.page.locator("#fps").fill("25")
    with visit.page.expect_response(lambda answer: "spline" in (answer.request.post_data or "")) as walked:
        visit.page.locator("#frames").fill("12")
        visit.page.keyboard.press("Tab")
    visit.wait_for_address("frames=12")
    visit.page.wait_for_function("() => document.querySelector('.preview canvas')?.width === 8")
    visit.page.locator("#format").select_option("npy")
    words = shlex.split(copied(visit, "#copy-curl"))
    body = json.loads(words[words.index("-d") + 1])
    assert body == {
        "model": "colour@v1", "seeds": [3, 14, 9], "frames": 12, "interpolation": "spline",
        "easing": "smooth", "fps": 25, "format": "npy",
    }  # fmt: skip
    frames = np.load(io.BytesIO(httpx.post(f"{tiny.url}/latent-walk", json=body).content))
    assert frames.shape == (12, 8, 8, 3)
    assert walked.value.status == 200
    visit.wait_for_address("way=spline")
    shown = visit.pixels(".preview canvas")
    assert any(np.array_equal(shown, frame) for frame in frames)


def test_every_format_is_downloaded(visit, tiny):
    visit.page.goto(f"{tiny.url}{URL}&frames=6")
    visit.page.wait_for_function("() => document.querySelector('.preview canvas')?.width === 8")
    signs = {
        "mp4": b"ftyp", "gif": b"GIF8", "webp": b"WEBP", "apng": b"PNG", "png": b"PNG", "zip": b"PK",
        "npy": b"NUMPY",
    }  # fmt: skip
    for format, sign in signs.items():
        visit.page.locator("#format").select_option(format)
        with visit.page.expect_download() as download:
            visit.page.get_by_role("button", name="Download the walk").click()
        assert sign in download.value.path().read_bytes()[:16], format


def test_the_links_of_a_walk_and_of_the_wall_reproduce_them(visit, tiny):
    visit.page.goto(f"{tiny.url}{URL}&class=square&truncation=0.5&frames=10&loop=0")
    with visit.page.expect_request("**/latent-walk") as asked:
        visit.page.reload()
    told = asked.value.post_data_json
    wanted = {"seeds": [3, 14, 9], "label": "square", "truncation": 0.5, "frames": 10, "model": "colour@v1"}
    assert told.items() >= wanted.items()
    assert "loop" not in told
    visit.page.get_by_role("link", name="Pictures", exact=True).click()
    visit.page.wait_for_function("() => document.querySelectorAll('.tile canvas.drawn').length > 3")
    shown = visit.pixels('.tile[data-seed="2"] canvas')
    wanted = {"model": "colour@v1", "seeds": [2], "label": "square", "truncation": 0.5}
    assert np.array_equal(shown, draw(tiny, **wanted))
    visit.page.go_back()
    visit.page.get_by_role("button", name="Key 1, seed 3").wait_for()
