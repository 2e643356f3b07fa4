"""Exact releases from end to end: imported, exported, verified, served."""

import asyncio
import hashlib
import io
import json
import shutil
from pathlib import Path

import httpx
import numpy as np
import onnx
import pytest

from foundation.grid.price import draw
from foundation.grid.proof import prove_exact
from foundation.images import hash_images
from foundation.store import FolderStore
from ganymede.imports.graph import ImportRefused
from ganymede.imports.release import prepare_release
from ganymede.imports.wishes import Wishes
from service.application import create_app
from service.requests.inputs import draw_seeds
from service.settings import Settings
from tests.conftest import REPOSITORY
from tests.exact.graphs import conditional
from tests.exact.integers import draw_integers

EXPORTS = REPOSITORY / "tests" / "store" / "exports"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A class-conditional generator, imported onto a grid."""
    folder = tmp_path_factory.mktemp("exact")
    (folder / "small.onnx").write_bytes(conditional().SerializeToString())
    prepared = imported(folder / "small.onnx", folder, layout="nhwc", value_range="0,255")
    found = FolderStore(folder / "models")
    found.publish(prepared.manifest, prepared.files)
    return found


def imported(path: Path, folder: Path, **wishes):
    target = folder / "release"
    target.mkdir(exist_ok=True)
    return prepare_release(path, Wishes(exact=True, **wishes), target, name="m", version="v1", licence="MIT")


def ask(store, *bodies):
    return asyncio.run(_ask(store, *bodies))


async def _ask(store, *bodies):
    app = create_app(Settings(models=store.location, default_model="m@v1", ui="off"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ganymede") as client:
        await app.state.context.releases.resolve("m@v1")
        answers = [await client.post(path, json=body) for path, body in bodies]
        described = (await client.get("/models/m/versions/v1")).json()
    await app.state.context.engine.close()
    assert [answer.status_code for answer in answers] == [200] * len(answers), answers[0].text
    return described, [np.load(io.BytesIO(answer.content)) for answer in answers]


def test_an_import_says_what_the_grid_costs_and_records_it(store):
    manifest = store.manifest("m", "v1")
    assert manifest.arithmetic == "exact"
    assert manifest.training["grid"]["images"] == 256
    assert manifest.training["grid"]["mean_levels"] < 1.5


@pytest.mark.parametrize(("file", "classes"), [("dcgan.onnx", None), ("dcgan-dynamo.onnx", None)])
def test_generators_from_pytorch_are_placed_on_a_grid(file, classes, tmp_path):
    prepared = imported(EXPORTS / file, tmp_path, classes=classes)
    assert "exact: proven; it costs 0." in prepared.description
    prove_exact(onnx.load(prepared.files["generator.onnx"]))


def test_a_grid_that_costs_more_than_it_may_is_refused_and_says_how_much(tmp_path):
    with pytest.raises(
        ImportRefused, match=r"--exact costs 0\.\d+ levels .*at most 0.01 levels.*Nothing was"
    ):
        imported(EXPORTS / "dcgan.onnx", tmp_path, max_mean_levels=0.01)


def test_an_import_that_has_no_place_on_a_grid_says_why(tmp_path):
    with pytest.raises(ImportRefused, match=r"--exact: the graph cannot be made exact\. .*Without --exact"):
        imported(EXPORTS / "conditional.onnx", tmp_path)


def test_every_door_answers_what_int64_says(store):
    """Seeds, blended classes, truncation, latents that are mixed, and a walk through both."""
    manifest = store.manifest("m", "v1")
    graph = store.read(manifest, "generator.onnx")
    blend = [0.5, 0.3, 0.2]
    latents = np.linspace(-9, 9, 24).reshape(4, 6).tolist()
    walk = {"seeds": [3, 4, 5], "frames": 16, "labels": ["0", "2", blend], "format": "npy"}
    described, answers = ask(
        store,
        ("/generate", {"seed": 0, "count": 64, "format": "npy"}),
        ("/generate", {"seed": 64, "count": 32, "label": blend, "truncation": 0.6, "format": "npy"}),
        ("/generate", {"latents": latents, "label": 1, "format": "npy"}),
        ("/latent-walk", walk),
    )
    assert (described["arithmetic"], described["same_bytes_here"]) == ("exact", True)
    inputs = draw_seeds(manifest, range(96))
    label = np.array(blend, np.float32)[None]
    expected = [
        {"latent": inputs.latents[:64], "label": inputs.labels[:64]},
        {"latent": np.float32(0.6) * inputs.latents[64:], "label": np.repeat(label, 32, 0)},
        {"latent": np.array(latents, np.float32), "label": np.eye(3, dtype=np.float32)[[1] * 4]},
    ]
    for answer, feeds in zip(answers, expected, strict=False):
        assert hash_images(answer) == hash_images(draw_integers(graph, feeds))
    model = onnx.load_model_from_string(graph)
    ends = {
        "latent": inputs.latents[[3, 5]],
        "label": np.concatenate([np.eye(3, dtype=np.float32)[[0]], label]),
    }
    assert np.array_equal(answers[3][[0, -1]], draw(model, ends))


def test_verify_says_what_was_proven(store, call_ganymede):
    done = call_ganymede("verify", "m@v1", "--models", store.location)
    assert done.returncode == 0, done.stderr
    assert "arithmetic: exact, the same pixels on every machine" in done.stdout
    assert "proof: of " in done.stdout
    assert "none passes 2^24 steps of its grid" in done.stdout


def test_a_grid_that_was_broken_after_it_was_published_is_refused(store, call_ganymede, tmp_path):
    """Whoever alters a graph may write its sums and its golden pictures anew, and is found out."""
    folder = tmp_path / "models"
    shutil.copytree(store.location, folder)
    path = folder / "m" / "versions" / "v1"
    model = onnx.load(path / "generator.onnx")
    slope = next(node for node in model.graph.node if node.op_type == "LeakyRelu")
    slope.attribute[0].CopyFrom(onnx.helper.make_attribute("alpha", 0.2))
    content = model.SerializeToString()
    (path / "generator.onnx").write_bytes(content)
    manifest = json.loads((path / "manifest.json").read_text())
    entry = next(each for each in manifest["files"] if each["path"] == "generator.onnx")
    entry.update(size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    (path / "manifest.json").write_text(json.dumps(manifest))
    done = call_ganymede("verify", "m@v1", "--models", folder)
    assert done.returncode != 0
    assert "is not proven to be" in " ".join(done.stderr.split())
    assert "LeakyRelu" in done.stderr
