"""An encoder that learns beside a real run: its graphs, its figures, its files, and how it goes on."""

import io
import json
import shutil
from contextlib import nullcontext
from itertools import pairwise

import numpy as np
import onnx
import pytest
from rich.console import Console

from foundation.descent import Descent
from foundation.graphs.projection import check_projection
from foundation.manifest import Manifest
from foundation.store import FolderStore
from tests.training.conftest import DATA_FOLDER
from tests.training.test_features import flat_pixels, write_network
from training.config import override
from training.data import Pictures, load_pictures
from training.encoder.encoding import begin_teaching
from training.encoder.figures import describe_figures
from training.encoder.learner import Learner
from training.encoder.releases import encode_release, publish_encoded
from training.encoder.runs import encode_run
from training.encoder.sessions import Drawing
from training.encoder.settings import EncoderSettings, Source, choose_settings
from training.encoder.subject import Subject, read_exported
from training.encoder.supply import Supply, match_classes, one_hot
from training.errors import ConfigurationError, DataError, ExportError, RunError
from training.export.exporting import export_run, read_export
from training.export.publication import publish_run
from training.report import write_report
from training.run import teaching
from training.run.folder import Run
from training.run.paths import RunPaths
from training.shape import PictureShape

SETTINGS = EncoderSettings(
    steps=6, batch_size=8, channels=8, pictures=4, refining_steps=4, search_steps=4, refining_rate=0.1
)


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    """A feature network that takes no time: the pixels at 8x8."""
    return write_network(tmp_path_factory.mktemp("space") / "small.onnx", ["n", 1, 8, 8], flat_pixels())


@pytest.fixture(scope="module")
def encoded(trained_run, tmp_path_factory, space):
    """A run with an encoder, its report, and what was said."""
    folder = tmp_path_factory.mktemp("encoded") / "run"
    shutil.copytree(trained_run.folder, folder)
    export_run(folder)
    said = io.StringIO()
    report = encode_run(
        folder, SETTINGS, data_folder=DATA_FOLDER, features=space, console=Console(file=said, width=200)
    )
    return Run(folder), report, said.getvalue()


def encode_again(run, settings=SETTINGS, **options):
    said = io.StringIO()
    options = {"data_folder": DATA_FOLDER, "features": None} | options
    report = encode_run(run.folder, settings, console=Console(file=said, width=200), **options)
    return report, said.getvalue()


def publish(run, store, version="v1", **options):
    return publish_run(run.folder, store, name="fashion", version=version, licence="MIT", **options)


def test_an_encoder_of_a_run_is_two_graphs_that_compute_what_keras_computes(encoded):
    run, report, _ = encoded
    assert report.comparison.max_latent_difference <= 1e-4
    assert 0 < report.comparison.gradient_difference <= 1e-3
    assert report.step == 6
    for path in (run.encoder_graph_path, run.gradient_graph_path):
        model = onnx.load(path)
        assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 17)]
        assert {node.domain for node in model.graph.node} == {""}


def test_its_figures_stand_beside_the_mean_picture_and_a_plain_search(encoded):
    _, report, said = encoded
    figures = report.projection.figures
    for space in ("pixels", "small"):
        for way in ("encoder", "refined", "search", "mean"):
            assert figures[f"reconstruction_{space}_{way}"] > 0
    assert figures["reconstruction_pixels_refined"] < figures["reconstruction_pixels_encoder"]
    assert figures["reconstruction_pictures"] == 4
    assert report.measured_on == "pictures that nothing was trained on"
    assert "batch 6 of 6" in said


def test_a_sheet_shows_real_pictures_above_what_was_found(encoded):
    from PIL import Image

    run, _, _ = encoded
    with Image.open(run.reconstructions_path) as sheet:
        assert sheet.size == (4 * 29 * 3 + 3, 4 * 29 * 3 + 3)  # four pictures in four rows


def test_it_is_published_with_the_run_and_the_release_is_whole(encoded, tmp_path):
    run, report, _ = encoded
    store = FolderStore(tmp_path)
    manifest = publish(run, store)
    assert manifest == store.manifest("fashion", "v1")
    assert manifest.projection == report.projection
    assert {"encoder.onnx", "gradient.onnx", "reconstructions.png"} <= {each.path for each in manifest.files}
    graphs = (store.read(manifest, "encoder.onnx"), store.read(manifest, "gradient.onnx"))
    check_projection(manifest, *graphs)
    plain = publish(run, store, "v2", encoder=False)
    assert plain.projection is None
    assert "projection" not in json.loads(store.manifest_text("fashion", "v2"))
    assert plain.file("encoder.onnx") is None


def test_refining_a_guess_brings_a_drawing_nearer_and_never_farther(encoded):
    from training.encoder.graphs import Encoding
    from training.encoder.sessions import open_graph

    run, _, _ = encoded
    pictures = np.random.default_rng(0).uniform(-1, 1, (3, 28, 28, 1)).astype(np.float32)
    latents, labels = Encoding(run.encoder_graph_path.read_bytes()).guess(pictures)
    assert labels is None
    session = open_graph(run.gradient_graph_path.read_bytes())
    descent, seen = Descent(latents, 0.1), []
    for _ in range(6):
        feeds = {"latents": descent.latents, "pictures": pictures}
        descent.take(*session.run(["gradients", "distances"], feeds))
        seen.append(descent.distances.copy())
    assert all((after <= before).all() for before, after in pairwise(seen))
    assert (seen[-1] < seen[0]).all()


def test_more_steps_go_on_from_where_the_encoder_was(encoded, tmp_path, space):
    run = Run(shutil.copytree(encoded[0].folder, tmp_path / "run"))
    report, said = encode_again(run, SETTINGS.model_copy(update={"steps": 7}), features=space)
    assert "goes on after batch 6 of 7" in said
    assert report.step == 7


@pytest.mark.usefixtures("without_tracing")
def test_an_encoder_that_was_stopped_goes_on_to_what_it_would_have_become(encoded, tmp_path, monkeypatch):
    run, _, _ = encoded
    subject = read_exported("it", read_export(run), run.graph_path.read_bytes())
    drawing, settings = Drawing(subject), SETTINGS.model_copy(update={"steps": 3, "batch_size": 4})
    pictures = load_pictures("fashion-mnist", DATA_FOLDER)

    def learn(folder):
        said = io.StringIO()
        learner = Learner(settings, drawing)
        console = Console(file=said, width=200)
        whole = begin_teaching(
            RunPaths(folder), learner, Supply(settings, drawing, pictures), console
        ).go_on()
        return whole, learner, said.getvalue()

    whole, unbroken, _ = learn(tmp_path / "unbroken")
    assert whole
    with monkeypatch.context() as patch:
        patch.setattr(teaching, "stop_requests", lambda: nullcontext(lambda: True))
        whole, stopped, said = learn(tmp_path / "stopped")
    assert not whole
    assert int(stopped.step) == 1
    assert "Stopped after batch 1 of 3; the same command goes on from there." in said
    whole, resumed, said = learn(tmp_path / "stopped")
    assert whole
    assert "goes on after batch 1 of 3" in said
    for one, other in zip(unbroken.encoder.weights, resumed.encoder.weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_other_settings_or_another_export_are_refused_in_words(encoded, tmp_path):
    run = Run(shutil.copytree(encoded[0].folder, tmp_path / "run"))
    with pytest.raises(RunError, match=r"other settings: seed \(0 there → 1 here\). Remove .*encoder"):
        encode_again(run, SETTINGS.model_copy(update={"seed": 1}))
    steps = Run(run.folder).read_stats()
    export_run(run.folder, checkpoint=steps[0].step)
    with pytest.raises(RunError, match="learnt for another export"):
        encode_again(run)
    with pytest.raises(ExportError, match=r"was made for another export: .*--no-encoder"):
        publish(run, FolderStore(tmp_path / "models"))


def test_the_report_shows_figures_and_sheet_of_the_exported_checkpoint_alone(encoded, tmp_path):
    run = Run(shutil.copytree(encoded[0].folder, tmp_path / "run"))
    text = write_report(run.folder).read_text()
    assert "From a picture to a latent" in text
    assert "a plain search from random latents" in text
    assert "far what was found is from 4 pictures that nothing was trained on" in text
    path = run.projection_path
    path.write_text(json.dumps(json.loads(path.read_text()) | {"checkpoint": 10}))
    assert "From a picture to a latent" not in write_report(run.folder).read_text()


def test_an_altered_graph_is_not_published(encoded, tmp_path):
    run = Run(shutil.copytree(encoded[0].folder, tmp_path / "run"))
    run.gradient_graph_path.write_bytes(run.gradient_graph_path.read_bytes() + b"\0")
    with pytest.raises(ExportError, match=r"gradient.onnx is missing, or not the graph"):
        publish(run, FolderStore(tmp_path / "models"))


def test_a_release_gets_an_encoder_as_its_next_version(encoded, tmp_path, space):
    store, run = FolderStore(tmp_path / "models"), Run(tmp_path / "encoder")
    released = publish(encoded[0], store, encoder=False)
    settings, source = SETTINGS.model_copy(update={"steps": 1}), Source(None, DATA_FOLDER)
    console = Console(file=io.StringIO())
    report = encode_release(store, released, run, settings, source, features=space, console=console)
    before = store.manifest_text("fashion", "v1")
    published = publish_encoded(store, released, run, report, "v2", lambda _: None)
    assert store.manifest_text("fashion", "v1") == before
    assert published == store.manifest("fashion", "v2")
    assert published.golden == released.golden
    assert published.projection.steps == 4
    check_projection(published, store.read(published, "encoder.onnx"), store.read(published, "gradient.onnx"))


def test_a_release_that_names_no_pictures_asks_for_some(encoded, tmp_path):
    store = FolderStore(tmp_path / "models")
    released = publish(encoded[0], store, encoder=False)
    unsaid = Manifest.model_validate(released.model_dump() | {"training": {}})
    with pytest.raises(ConfigurationError, match=r"does not say which pictures .* --data"):
        encode_release(
            store, unsaid, Run(tmp_path / "e"), SETTINGS, Source(None), features=None, console=Console()
        )


def test_a_manifest_that_says_otherwise_than_its_graph_is_refused(encoded, tmp_path):
    store = FolderStore(tmp_path / "models")
    released = publish(encoded[0], store, encoder=False)
    colour = released.model_copy(update={"image": released.image.model_copy(update={"channels": 3})})
    with pytest.raises(
        ExportError, match=r"The graph of fashion@v1 has .*28, 28, 1.* is said to .*28, 28, 3"
    ):
        encode_release(
            store,
            colour,
            Run(tmp_path / "encoder"),
            SETTINGS,
            Source(f"idx:{DATA_FOLDER}", None),
            features=None,
            console=Console(),
        )
    assert not (tmp_path / "encoder").exists()


def test_pictures_of_another_shape_than_the_drawings_are_refused(encoded):
    run, _, _ = encoded
    subject = read_exported("it", read_export(run), b"")
    images, shape = np.zeros((2, 32, 32, 3), np.uint8), PictureShape(height=32, width=32, channels=3)
    with pytest.raises(DataError, match="The pictures are 32x32x3, and it draws 28x28x1"):
        match_classes(subject, Pictures(images, np.zeros(2, np.int64), shape))


def test_classes_are_matched_by_their_names_whatever_their_order():
    names = ("hat", "shoe", "coat")
    plain = PictureShape(height=8, width=8, channels=1)
    subject = Subject("it", b"", 4, names, plain)
    shape = plain.model_copy(update={"class_names": ("coat", "glove", "hat")})
    pictures = Pictures(np.zeros((4, 8, 8, 1), np.uint8), np.array([0, 1, 2, 0]), shape)
    assert match_classes(subject, pictures).tolist() == [2, -1, 0, 2]
    assert one_hot(np.array([2, -1]), subject).tolist() == [[0, 0, 1], [0, 0, 0]]


def test_settings_are_checked_by_name_and_value_and_go_by_the_size_of_the_pictures():
    settings = override(EncoderSettings(), ["steps=10", "refining_rate=auto"])
    assert (settings.steps, settings.refining_rate) == (10, 0.0)
    assert choose_settings(settings, 28).batch_size == 64
    assert choose_settings(settings, 256).channels == 16
    with pytest.raises(ConfigurationError, match="Did you mean 'refining_steps'"):
        override(EncoderSettings(), ["refine_steps=3"])
    with pytest.raises(ConfigurationError, match="refining_steps=2000: it must be at most 1000"):
        override(EncoderSettings(), ["refining_steps=2000"])


def test_figures_are_told_in_a_table_that_says_which_way_is_better():
    figures = {
        "reconstruction_pixels_encoder": 0.1,
        "reconstruction_pixels_refined": 0.05,
        "reconstruction_pixels_search": 0.08,
        "reconstruction_pixels_mean": 0.4,
        "reconstruction_efficientnet_lite0_refined": 0.2,
        "reconstruction_pictures": 64,
        "reconstruction_search_steps": 200,
        "label_accuracy": 0.75,
        "of_another_ganymede": 3,
    }
    lines = describe_figures(figures, "held-out pictures").splitlines()
    assert lines[0] == "How far 64 held-out pictures are from what is found for them, less is better:"
    assert lines[1].split("  ")[-1].endswith("features, efficientnet_lite0")
    assert next(line for line in lines if "as POST /project does" in line).split()[-2:] == ["0.05", "0.2"]
    assert "Classes guessed right, more is better: 75.0%" in lines
    assert lines[-1] == "of_another_ganymede  3"
    assert not any("reconstruction_" in line for line in lines)
