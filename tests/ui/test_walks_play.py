"""Walks by their address in a real Chromium: as whole files, and while they are made."""

import pytest


@pytest.mark.parametrize("query", ["", "&stream=true"])
def test_a_walk_plays_by_its_address(browser, bundled, query):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{bundled.url}/docs")  # its policy lets the service's own films play
    address = f"{bundled.url}/latent-walk?seeds=1,5,9&frames=60&scale=4&format=mp4{query}"
    page.set_content(f'<video muted autoplay src="{address}"></video>', wait_until="commit")
    page.wait_for_function("() => document.querySelector('video').currentTime > 0.2")
    context.close()
