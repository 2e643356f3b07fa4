"""Walks by their address in a real Chromium: as whole files, and while they are made."""

import pytest

from tests.conftest import metric
from tests.ui.conftest import PATIENCE_MS

IMAGES = 'ganymede_images_total{model="colour",version="v1"}'


@pytest.mark.parametrize("query", ["", "&stream=true"])
def test_a_walk_plays_by_its_address(browser, bundled, query):
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"{bundled.url}/docs")  # its policy lets the service's own films play
    address = f"{bundled.url}/latent-walk?seeds=1,5,9&frames=60&scale=4&format=mp4{query}"
    page.set_content(f'<video muted autoplay src="{address}"></video>', wait_until="commit")
    page.wait_for_function("() => document.querySelector('video').currentTime > 0.2")
    context.close()


def test_who_jumps_about_in_a_film_has_it_made_once(visit, tiny):
    visit.page.goto(f"{tiny.url}/ui/?view=models")
    with tiny.client() as client:
        before = metric(client, IMAGES)
        # No version is named, so that the browser may not keep it: it asks for parts again and again.
        address = f"{tiny.url}/latent-walk?model=colour&seeds=1,5,9&frames=200&scale=16&format=mp4"
        ended = visit.page.evaluate(
            """async address => {
              const film = document.createElement("video");
              film.muted = true;
              film.src = address;
              document.body.append(film);
              const happens = name =>
                new Promise(resolve => film.addEventListener(name, resolve, {once: true}));
              await happens("loadedmetadata");
              const places = [];
              for (const part of [0.9, 0.1, 0.6]) {
                film.currentTime = part * film.duration;
                await happens("seeked");
                places.push(film.currentTime / film.duration);
              }
              const again = document.createElement("video");
              again.src = address;
              again.muted = true;
              document.body.append(again);
              await new Promise(resolve => again.addEventListener("loadeddata", resolve, {once: true}));
              return [film.duration, film.videoWidth, ...places];
            }""",
            address,
        )
        assert ended == pytest.approx([200 / 30, 128, 0.9, 0.1, 0.6], rel=0.01)
        assert metric(client, IMAGES) - before == 200


def test_frames_that_take_each_others_place_are_seen_to_move(visit, tiny):
    visit.page.goto(f"{tiny.url}/ui/?view=models")
    # It lasts for half a minute, of which the busiest machine shows a few frames.
    address = f"{tiny.url}/latent-walk?model=colour@v1&seeds=1,5,9&frames=1000&format=png&stream=true"
    colours = visit.page.evaluate(
        """async address => {
          const picture = document.createElement("img");
          picture.src = address;
          document.body.append(picture);
          const canvas = document.createElement("canvas");
          const context = canvas.getContext("2d", {willReadFrequently: true});
          const seen = new Set();
          while (seen.size < 4) {
            await new Promise(requestAnimationFrame);
            if (!picture.naturalWidth) continue;
            context.drawImage(picture, 0, 0);
            seen.add(String(context.getImageData(0, 0, 1, 1).data));
          }
          return [...seen];
        }""",
        address,
    )
    assert len(colours) == 4
