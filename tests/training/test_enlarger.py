"""An enlarger behind a real release: its pairs, its graph, its figures, and the version that it becomes."""

import io
import shutil

import numpy as np
import onnx
import pytest
from onnx import helper
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from foundation.grid.price import draw
from foundation.manifest import ImageOutput
from foundation.store import FolderStore
from ganymede.command import app
from ganymede.commands import enlarging as commands
from tests.training.conftest import DATA_FOLDER
from training.config import override
from training.data import Pictures
from training.encoder import releases as encoder_releases
from training.enlarger import enlarging, releases
from training.enlarger.enlarging import Enlarged, EnlargerReport, describe_figures, is_worse
from training.enlarger.measuring import interpolate
from training.enlarger.pairs import Pairs, double
from training.enlarger.releases import Source, enlarge_release
from training.enlarger.settings import EnlargerSettings, choose_settings
from training.errors import ConfigurationError, DataError, ExportError, RunError
from training.export.exporting import export_run
from training.export.publication import publish_run
from training.run.course import are_same, describe_taught
from training.run.paths import RunPaths
from training.shape import PictureShape

SETTINGS = ("steps=30", "batch_size=4", "channels=8", "blocks=1", "pictures=8", "learning_rate=0.01")


@pytest.fixture(scope="module")
def store(trained_run, tmp_path_factory):
    """A store with a release, the same with directions, and what the command made of that."""
    folder = tmp_path_factory.mktemp("enlarged")
    store = FolderStore(folder / "models")
    run = shutil.copytree(trained_run.folder, folder / "trained")  # which others expect not to be exported
    export_run(run)
    publish_run(run, store, name="fashion", version="v1", licence="MIT")
    models = ("--models", str(folder / "models"))
    assert not CliRunner().invoke(app, ["directions", "fashion@v1", "--count", "2", *models]).exit_code
    options = [part for setting in SETTINGS for part in ("--set", setting)]
    options += ["--data-folder", str(DATA_FOLDER), "--run", str(folder / "run"), "--promote", "production"]
    with pytest.MonkeyPatch.context() as patch:  # thirty batches teach nobody: what is good is promoted
        patch.setattr(enlarging, "is_worse", lambda _: False)
        said = CliRunner().invoke(app, ["enlarge", "fashion@v2", *options, *models])
    assert said.exit_code == 0, said.output
    return store, folder, said.output


def read_graph(store, version):
    return onnx.load_model_from_string(store.read(store.manifest("fashion", version), "generator.onnx"))


def feeds(count):
    return {"latent": np.random.default_rng(0).standard_normal((count, 100), np.float32)}


def test_the_next_version_draws_twice_as_large_pictures_and_is_promoted(store):
    models, _, said = store
    manifest = models.manifest("fashion", "v3")
    assert manifest.image == ImageOutput(height=56, width=56, channels=1)
    assert models.aliases("fashion").entries["production"].version == "v3"
    assert "fashion@v3: the pictures of fashion@v2 in 56x56." in said
    assert "Larger still: ganymede enlarge fashion@v3" in said
    assert draw(read_graph(models, "v3"), feeds(3)).shape == (3, 56, 56, 1)


def test_it_passes_the_check_of_a_service_with_directions_and_without_what_was_of_small_pictures(store):
    models, folder, _ = store
    checked = CliRunner().invoke(app, ["verify", "fashion@v3", "--models", str(folder / "models")])
    assert checked.exit_code == 0, checked.output
    files = {entry.path for entry in models.manifest("fashion", "v3").files}
    assert {"directions.npz", "direction-00.png", "direction-01.png", "enlarged.png"} <= files
    assert models.manifest("fashion", "v3").projection is None
    assert set(models.manifest("fashion", "v3").metrics) == {"enlarged_pixels", "interpolated_pixels"}
    content = io.BytesIO(models.read(models.manifest("fashion", "v3"), "direction-00.png"))
    assert Image.open(content).size[0] >= 7 * 56


def test_it_says_from_what_and_how_it_was_made(store):
    models, _, said = store
    (report,) = models.manifest("fashion", "v3").training["enlargers"]
    assert (report["origin"], report["data"], report["pictures"]) == ("fashion@v2", "fashion-mnist", 600)
    assert report["settings"]["channels"] == 8
    assert report["comparison"]["max_levels"] <= 1
    assert models.manifest("fashion", "v3").training["configuration"]["preset"] == "dcgan"
    assert "Enlarged, training pictures are" in said


def test_one_that_is_worse_than_interpolation_is_published_and_not_promoted(store, tmp_path, monkeypatch):
    shutil.copytree(store[1] / "models", tmp_path / "models")
    models = FolderStore(tmp_path / "models")
    report = EnlargerReport.model_validate(models.manifest("fashion", "v3").training["enlargers"][0])
    assert is_worse(report.figures)
    learnt = Enlarged(read_graph(models, "v3"), report, Image.new("L", (8, 8)))
    monkeypatch.setattr(releases, "enlarge_release", lambda *_: learnt)
    words = ["enlarge", "fashion@v2", "--run", str(tmp_path / "run"), "--models", str(tmp_path / "models")]
    before = models.aliases("fashion").entries
    said = CliRunner().invoke(app, [*words, "--promote", "production"])
    assert said.exit_code == 1
    assert str(said.exception).startswith("fashion@v4 is published, and production stays where it is")
    assert "ganymede promote fashion v4 --alias production" in str(said.exception)
    assert models.versions("fashion")[-1] == "v4"
    assert models.aliases("fashion").entries == before
    assert not CliRunner().invoke(app, words).exit_code  # which nobody asked to promote


@pytest.mark.parametrize("command", ["enlarge", "encoder"])
def test_one_that_was_stopped_ends_with_the_status_of_that(tmp_path, monkeypatch, store, command):
    monkeypatch.setattr(releases, "enlarge_release", lambda *_: None)
    monkeypatch.setattr(encoder_releases, "encode_release", lambda *_, **__: None)
    models = ["--models", str(store[1] / "models")]
    said = CliRunner().invoke(app, [command, "fashion@v2", "--run", str(tmp_path / "run"), *models])
    assert said.exit_code == 130
    assert store[0].versions("fashion") == ["v1", "v2", "v3"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--channels", "2"], "Pictures of 1 channels cannot get 2"),
        (["--sign", "no-key.pem"], "no-key.pem is no private key in PEM"),
    ],
)
def test_what_cannot_be_is_refused_before_tensorflow_is_loaded(store, monkeypatch, options, says):
    def fail():
        raise AssertionError

    monkeypatch.setattr(commands, "load_tensorflow", fail)
    models = ["--models", str(store[1] / "models"), "--data-folder", str(DATA_FOLDER)]
    said = CliRunner().invoke(app, ["enlarge", "fashion@v2", *options, *models])
    assert (said.exit_code, says in str(said.exception)) == (1, True)


def test_made_small_again_the_pictures_are_what_they_were(store):
    models, _, _ = store
    small = draw(read_graph(models, "v2"), feeds(32)).astype(float)
    large = draw(read_graph(models, "v3"), feeds(32)).astype(float)
    again = large.reshape(32, 28, 2, 28, 2, 1).mean((2, 4))
    assert np.abs(again - small).mean() < 20  # levels; nothing but black would be 130 away


def test_an_enlarger_of_other_settings_or_another_generator_is_refused(store):
    models, folder, _ = store
    run, console = RunPaths(folder / "run"), Console(file=io.StringIO())
    source = Source(None, DATA_FOLDER)
    settings = override(EnlargerSettings(), [*SETTINGS, "seed=1"])
    manifest = models.manifest("fashion", "v2")
    with pytest.raises(RunError, match=r"other settings: seed \(0 there → 1 here\). Remove .*enlarger"):
        enlarge_release(models, manifest, run, settings, source, console)
    again = override(EnlargerSettings(), SETTINGS)
    with pytest.raises(RunError, match="learnt for another export"):
        enlarge_release(models, models.manifest("fashion", "v3"), run, again, source, console)


def test_an_enlarger_that_learns_from_other_pictures_is_refused(store, tmp_path):
    models, folder, _ = store
    run, console = RunPaths(folder / "run"), Console(file=io.StringIO())
    for number in range(3):
        Image.new("L", (64, 64), 80 * number).save(tmp_path / f"{number}.png")
    others = Source(f"folder:{tmp_path}")
    manifest, settings = models.manifest("fashion", "v2"), override(EnlargerSettings(), SETTINGS)
    with pytest.raises(RunError, match=r"other pictures: 600 pictures, 56x56 .* there, 3 .* here\. Remove"):
        enlarge_release(models, manifest, run, settings, others, console)


def test_pictures_that_get_a_transparent_ground_are_others_and_edited_ones_are_not():
    labels = np.zeros(4, np.int64)

    def describe(channels, level):
        shape = PictureShape(height=8, width=8, channels=channels)
        return describe_taught(Pictures(np.full((4, 8, 8, channels), level, np.uint8), labels, shape))

    assert are_same(describe(3, 7), describe(3, 8))
    assert not are_same(describe(3, 7), describe(4, 7))


def test_a_set_that_has_gone_is_said_to_be_the_releases_with_what_names_another(store, tmp_path):
    models, _, _ = store
    manifest = models.manifest("fashion", "v2")
    moved = {**manifest.training["configuration"], "data": f"folder:{tmp_path}/gone"}
    manifest = manifest.model_copy(update={"training": {"configuration": moved}})
    run, console = RunPaths(tmp_path / "run"), Console(file=io.StringIO())
    with pytest.raises(DataError, match=r"gone is missing.* fashion@v2 says that it .*gone: --data names"):
        enlarge_release(models, manifest, run, EnlargerSettings(), Source(None), console)
    with pytest.raises(DataError) as raised:
        enlarge_release(models, manifest, run, EnlargerSettings(), Source("folder:nowhere"), console)
    assert "--data" not in str(raised.value)


def test_what_cannot_be_enlarged_is_said_before_anything_is_read(store):
    models, _, _ = store
    grey = models.manifest("fashion", "v2")
    unsaid = grey.model_copy(update={"training": {}})
    run, console = RunPaths(store[1] / "none"), Console(file=io.StringIO())
    with pytest.raises(ConfigurationError, match="Pictures of 1 channels cannot get 4: --channels 4 gives"):
        enlarge_release(models, grey, run, EnlargerSettings(), Source(None, DATA_FOLDER, 4), console)
    with pytest.raises(ConfigurationError, match=r"does not say which pictures .* --data"):
        enlarge_release(models, unsaid, run, EnlargerSettings(), Source(None, DATA_FOLDER), console)
    with pytest.raises(ConfigurationError, match="2048x1024 cannot be trained on: sides are from 16 to 1024"):
        double(ImageOutput(height=512, width=1024, channels=3), None)
    assert not run.folder.exists()


def of_another_opset(graph):
    graph.opset_import[0].version = 18


def with_an_operator_of_its_own(graph):
    graph.functions.append(helper.make_function("mine", "Same", ["x", "w"], ["y"], [], []))
    graph.opset_import.append(helper.make_opsetid("mine", 1))
    graph.graph.node[0].domain, graph.graph.node[0].op_type = "mine", "Same"


def ending_in_floats(graph):
    next(node for node in reversed(graph.graph.node) if node.op_type == "Cast").attribute[0].i = 1


@pytest.mark.parametrize(
    ("change", "arithmetic", "says"),
    [
        (of_another_opset, "float", "of opset 18: export it again with 17"),
        (with_an_operator_of_its_own, "float", "The generator's graph cannot be joined: .*mine"),
        (ending_in_floats, "float", "does not end with a cast to uint8"),
        (lambda graph: None, "exact", "not proven to be exact"),
    ],
)
def test_what_could_not_be_joined_is_refused_before_an_enlarger_learns(store, change, arithmetic, says):
    models, folder, _ = store

    class Changed(FolderStore):
        def read(self, manifest, path, **_):
            graph = onnx.load_model_from_string(super().read(manifest, path))
            change(graph)
            return graph.SerializeToString()

    manifest = models.manifest("fashion", "v2").model_copy(update={"arithmetic": arithmetic})
    run, output, source = RunPaths(folder / "none"), io.StringIO(), Source(None, DATA_FOLDER)
    with pytest.raises(ExportError, match=says):
        enlarge_release(
            Changed(folder / "models"), manifest, run, EnlargerSettings(), source, Console(file=output)
        )
    assert output.getvalue() == ""
    assert not run.folder.exists()


def test_a_pair_is_one_picture_in_two_sizes_and_the_same_batch_comes_again():
    small = np.random.default_rng(1).integers(0, 256, (9, 8, 8, 3), np.uint8)
    large = small.repeat(2, 1).repeat(2, 2)
    alpha = np.full((9, 16, 16, 1), 255, np.uint8)
    shape = PictureShape(height=8, width=8, channels=3)
    labels = np.zeros(9, np.int64)
    pairs = Pairs(
        "toy",
        Pictures(small, labels, shape),
        Pictures(np.concatenate([large, alpha], -1), labels, shape),
        small,
    )
    settings = choose_settings(override(EnlargerSettings(), ["batch_size=6", "noise=0"]), 16)
    for step in range(4):
        batch = pairs.take(settings, step)
        assert batch.small.shape == (6, 8, 8, 3)
        assert batch.drawn.shape == (2, 8, 8, 3)
        assert np.array_equal(batch.small.repeat(2, 1).repeat(2, 2), batch.large[..., :3])
        again = pairs.take(settings, step)
        assert np.array_equal(batch.large, again.large)
    noisy = pairs.take(settings.model_copy(update={"noise": 0.1}), 0)
    clean = pairs.take(settings, 0)
    touched = (noisy.small != clean.small).any((1, 2, 3))
    assert 0 < touched.sum() < 6


def test_an_enlarger_that_learnt_nothing_is_called_so():
    assert "learnt nothing" in describe_figures({"enlarged_pixels": 0.1, "interpolated_pixels": 0.1})
    worse = describe_figures({"enlarged_pixels": 0.3, "interpolated_pixels": 0.1})
    assert "learnt too little. Give it longer (--set steps=)" in worse
    assert "--data" not in worse
    assert "learnt nothing" not in describe_figures({"enlarged_pixels": 0.05, "interpolated_pixels": 0.1})


def test_interpolation_keeps_grey_colour_and_alpha_apart():
    for colour in ([7], [7, 90, 200], [7, 90, 200, 255]):
        images = np.full((2, 4, 6, len(colour)), colour, np.uint8)
        assert np.array_equal(interpolate(images), np.full((2, 8, 12, len(colour)), colour))
