"""How often a second the page redraws while a slider moves, in Chromium: `python -m benchmarks.page`."""

import argparse
import shutil
import sys

from playwright.sync_api import Page, sync_playwright

LOOKS = ("model=fashion@v3&seed=0&truncation=0.8", "model=emoji@v4&seed=15&class=smiley&truncation=0.6")
SETTLED = "() => document.querySelector('.beside')?.easel.settled"
MOVE = """async () => {
  const easel = document.querySelector('.beside').easel;
  const slider = document.getElementById('truncation');
  const before = easel.redraws, began = performance.now();
  let frames = 0, passed = 0;
  while (passed < 4000) {
    slider.value = String(0.3 + 0.6 * Math.abs(Math.sin(passed / 700)));
    slider.dispatchEvent(new Event('input', {bubbles: true}));
    await new Promise(requestAnimationFrame);
    frames += 1;
    passed = performance.now() - began;
  }
  return [1000 * (easel.redraws - before) / passed, easel.atOnce, 1000 * frames / passed];
}"""


def measure(page: Page, url: str, look: str, *, scrolled: bool) -> str:
    """A line on one look: with the stage in sight, or with the wall alone."""
    page.goto(f"{url}/ui/?{look}")
    page.wait_for_function(SETTLED)
    if scrolled:
        page.evaluate("scrollTo(0, 700)")
    page.wait_for_timeout(2000)
    page.wait_for_function(SETTLED)
    redraws, at_once, frames = page.evaluate(MOVE)
    place = "the wall" if scrolled else "the stage"
    return f"{redraws:5.1f} redraws a second of {at_once} pictures, {frames:4.1f} frames: {place}, {look}"


def main() -> None:
    """Measure a service that runs already."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:8000")
    url = parser.parse_args().url.rstrip("/")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(120_000)
        for look in LOOKS:
            for scrolled in (False, True):
                sys.stdout.write(measure(page, url, look, scrolled=scrolled) + "\n")
        browser.close()


if __name__ == "__main__":
    main()
