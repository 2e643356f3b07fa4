"""The whole way: real pictures, a training step, export, publication, the real server."""

import io
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from ganymede.command import app
from tests.conftest import run_server
from tests.idx_files import write_idx
from training.data.idx import read_idx

DATA = Path(__file__).parent.parent / "data" / "fashion-mnist"


@pytest.mark.xdist_group("training")  # where TensorFlow is loaded
def test_pictures_become_a_service_that_gives_the_same_bytes_twice_for_a_seed(run_ganymede, tmp_path):
    run, store, few = tmp_path / "run", tmp_path / "store", tmp_path / "few"
    few.mkdir()
    for name, rank in (("train-images-idx3-ubyte", 3), ("train-labels-idx1-ubyte", 1)):
        write_idx(few / name, read_idx(DATA / f"{name}.gz", rank)[:60])
    short = [word for wish in ("epochs=1", "batch_size=30") for word in ("--set", wish)]
    result = run_ganymede("train", "--data-folder", few, "--run", run, *short)
    assert result.returncode == 0, result.stderr
    assert "oneDNN" not in result.stderr
    for step in (  # in this process, for TensorFlow is loaded here: it takes a core ten seconds
        ("export", run),
        ("publish", run, "--name", "mine", "--promote", "production", "--models", store),
    ):
        done = CliRunner().invoke(app, [str(word) for word in step])
        assert done.exit_code == 0, done.output
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
            ({"count": 16, "model": "emoji", "label": "smiley"}, "emoji", (256, 256, 4)),
        ):
            grid = httpx.post(f"{server.url}/generate", json=body)
            assert grid.headers["x-model"].partition("@")[0] == model
            assert np.asarray(Image.open(io.BytesIO(grid.content))).shape == shape
