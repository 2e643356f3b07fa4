"""The example for Hugging Face Spaces, against a running service."""

import json
import os
import subprocess
import sys

from tests.conftest import REPOSITORY
from tests.patience import PATIENCE_S
from tests.ui.conftest import draw

SCRIPT = """
import json
from pathlib import Path
import gradio
from examples.gradio_app import build_page, generate, walk
page = build_page()
pictures = generate("colour", 7, 3, 0.5)
film = Path(walk("colour", "1, 5", 1)).read_bytes()
try:
    walk("colour", "1", 1)
except gradio.Error as error:
    refused = str(error)
print(json.dumps({"events": len(page.fns), "sizes": [picture.size for picture in pictures],
    "pixel": pictures[0].convert("RGB").getpixel((0, 0)), "film": film[4:8].decode(), "refused": refused}))
"""


def test_the_gradio_example_shows_what_the_service_answers(tiny):
    """In a process of its own: Gradio takes seconds to import, and leaves event loops open."""
    variables = {"GANYMEDE_URL": tiny.url, "GRADIO_ANALYTICS_ENABLED": "False", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=REPOSITORY,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    first = draw(tiny, model="colour", seeds=[7], truncation=0.5)[0, 0].tolist()
    assert (told["events"], told["sizes"], told["pixel"]) == (2, [[32, 32]] * 3, first)
    assert told["film"] == "ftyp"
    assert "seeds" in told["refused"]
