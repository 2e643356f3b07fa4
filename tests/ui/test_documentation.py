"""`/docs` as one who wants to try the API uses it: press, and see a picture."""

import json

import pytest

from tests.ui.test_keys_and_prefix import KEY, guarded

__all__ = ["guarded"]


def press(visit, operation: str):
    """Try an operation out as it stands, and return what its block shows then."""
    block = visit.page.locator(f"[id$='-{operation}'].opblock")
    block.locator("button").first.click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    block.locator(".live-responses-table .response-col_status").first.wait_for()
    return block


def is_drawn(visit, block) -> bool:
    """Whether a picture that was answered can be seen."""
    picture = block.locator(".live-responses-table img")
    picture.wait_for()
    handle = picture.element_handle()
    visit.page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=handle)
    return picture.bounding_box()["height"] > 20


def test_what_stands_in_the_documentation_shows_pictures_when_it_is_pressed(visit, tiny):
    visit.page.goto(f"{tiny.url}/docs")
    block = press(visit, "generate")
    assert is_drawn(visit, block)
    body = json.loads(block.locator("textarea").input_value())
    assert len(body) == 4
    assert body["scale"] > 1
    assert is_drawn(visit, press(visit, "show_walk"))
    assert visit.page.locator(".errors-wrapper").count() == 0


@pytest.mark.parametrize(
    "visit", [{"http_credentials": {"username": "any", "password": KEY}}], ids=["key"], indirect=True
)
def test_behind_a_prefix_it_takes_a_key_by_authorize(visit, guarded):
    sent = []
    visit.page.on("request", lambda request: sent.append((request.url, request.headers.get("x-api-key"))))
    visit.page.goto(f"{guarded}/docs")
    visit.page.locator("button.authorize").first.click()
    visit.page.locator(".auth-container").filter(has_text="X-Api-Key").locator("input").fill(KEY)
    visit.page.locator(".auth-container").filter(has_text="X-Api-Key").locator("button.authorize").click()
    visit.page.locator("button.btn-done").first.click()
    assert is_drawn(visit, press(visit, "generate"))
    assert (f"{guarded}/generate", KEY) in sent
