"""How soon the page shows a first picture to a Chromium that kept nothing: `python -m benchmarks.opening`."""

import argparse
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from benchmarks.servers import start_ganymede

MODELS = Path("models")
DRAWN = """() => {
  const seen = () => {
    const canvas = document.querySelector('.stage .player canvas.drawn');
    if (canvas && canvas.width > 1 && !window.firstPictureMs) {
      window.firstPictureMs = performance.now();
      window.requestsBefore = performance.getEntriesByType('resource').length + 1;
    }
    requestAnimationFrame(seen);
  };
  requestAnimationFrame(seen);
}"""
MOVING = "() => document.querySelectorAll('.tile canvas.drawn').length > 8"


@dataclass(frozen=True, slots=True)
class Way:
    """A visitor's network and processor, as Chromium's own tools slow them."""

    name: str
    kbit_per_s: float = 0
    latency_ms: float = 0
    slowdown: float = 1


WAYS = (
    Way("this machine"),
    Way("a processor four times as slow", slowdown=4),
    Way("a network of 1.6 Mbit/s, 150 ms", kbit_per_s=1600, latency_ms=150),
    Way("a network of 400 kbit/s, 400 ms", kbit_per_s=400, latency_ms=400),
    Way("both: 1.6 Mbit/s, 150 ms, four times as slow", kbit_per_s=1600, latency_ms=150, slowdown=4),
)


def measure(browser: Browser, url: str, way: Way, *, model: str = "") -> str:
    """A line on one visit with an empty cache: when the first picture and the wall came, and at what cost."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.add_init_script(f"({DRAWN})()")
    tools = context.new_cdp_session(page)
    tools.send("Network.enable")
    tools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    tools.send("Emulation.setCPUThrottlingRate", {"rate": way.slowdown})
    if way.kbit_per_s:
        bytes_per_s = way.kbit_per_s * 1000 / 8
        limits = {"offline": False, "latency": way.latency_ms}
        limits |= {"downloadThroughput": bytes_per_s, "uploadThroughput": bytes_per_s}
        tools.send("Network.emulateNetworkConditions", limits)
    came: list[float] = []
    tools.on("Network.loadingFinished", lambda event: came.append(event["encodedDataLength"]))
    page.goto(f"{url}/ui/{model}", wait_until="commit")
    page.wait_for_function("() => window.firstPictureMs")
    first_ms, requests = page.evaluate("[window.firstPictureMs, window.requestsBefore]")
    first_bytes = sum(came)
    page.wait_for_function(MOVING)
    wall_ms = page.evaluate("performance.now()")
    context.close()
    return (
        f"{first_ms:6.0f} ms to the first picture ({requests} requests, {first_bytes / 1000:.0f} kB),"
        f" {wall_ms:6.0f} ms to the wall ({len(came)} requests, {sum(came) / 1000:.0f} kB): {way.name}"
    )


def main() -> None:
    """Start the service with the bundled models, and open its page as soon as it says that it is ready."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--tree", type=Path, help="another commit's tree, to be measured in place of this one"
    )
    tree = parser.parse_args().tree
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"), args=["--no-sandbox"]
        )
        warm = browser.new_page()  # the browser's own start is not the page's
        warm.goto("about:blank")
        for way in WAYS:
            with start_ganymede(MODELS, "fashion", tree, GANYMEDE_UI="on") as running:
                began = time.perf_counter()
                line = measure(browser, running.url, way)
                sys.stdout.write(f"{line}; {1000 * (time.perf_counter() - began):.0f} ms since /readyz\n")
                sys.stdout.flush()
        browser.close()


if __name__ == "__main__":
    main()
