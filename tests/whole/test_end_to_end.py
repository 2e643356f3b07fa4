"""The whole way: real pictures, a training step, export, publication, the real server."""

import io
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from tests.conftest import run_server

DATA = Path(__file__).parent.parent / "data" / "fashion-mnist"


def test_pictures_become_a_service_that_gives_the_same_bytes_twice_for_a_seed(run_ganymede, tmp_path):
    run, store = tmp_path / "run", tmp_path / "store"
    steps = [
        ("train", "--data-folder", DATA, "--run", run, "--set", "epochs=1", "--set", "batch_size=600"),
        ("export", run),
        ("publish", run, "--name", "mine", "--promote", "production", "--models", store),
    ]
    for step in steps:
        result = run_ganymede(*step)
        assert result.returncode == 0, result.stderr
    assert (run / "samples" / "epoch-0001.png").is_file()
    with run_server(store, tmp_path) as server:
        first, second = (httpx.post(f"{server.url}/generate", json={"seed": 3}) for _ in range(2))
        assert first.headers["x-model"] == "mine@v1"
        assert first.content == second.content
        assert np.asarray(Image.open(io.BytesIO(first.content))).shape == (112, 112)
        samples = httpx.get(f"{server.url}/models/mine/versions/v1/samples.png")
        assert samples.headers["content-type"] == "image/png"


def test_the_bundled_models_pass_their_golden_checks_and_generate_fashion_unless_asked(tmp_path):
    with run_server(Path(__file__).parent.parent.parent / "models", tmp_path) as server:
        ready = httpx.get(f"{server.url}/readyz")
        assert ready.status_code == 200, ready.text
        for body, model, shape in (
            ({"count": 16}, "fashion", (112, 112)),
            ({"count": 16, "model": "emoji", "label": "smiley"}, "emoji", (128, 128, 3)),
        ):
            grid = httpx.post(f"{server.url}/generate", json=body)
            assert grid.headers["x-model"].partition("@")[0] == model
            assert np.asarray(Image.open(io.BytesIO(grid.content))).shape == shape
