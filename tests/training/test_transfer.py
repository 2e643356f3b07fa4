"""A run that begins where another ended: what fits is taken, and the rest begins anew and is named."""

import io
import json
import zipfile
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from foundation.store import FolderStore
from service.engine.devices import cpu_device
from service.releases.opening import open_release
from tests.training.conftest import train_quietly
from tests.training.toy_preset import TOY
from training import presets
from training.config import override
from training.errors import ConfigurationError, ExportError
from training.export.exporting import export_run
from training.export.origins import WEIGHTS, find_origins
from training.export.publication import publish_run
from training.export.weights import collect_weights, read_weights
from training.launch.origin import Origin, read_release, read_run
from training.launch.transfer import fill_networks, fit_classes, take_form
from training.presets import PRESETS, build_gan, find_preset
from training.run.folder import Run
from training.shape import FASHION_MNIST_SHAPE, PictureShape

SMALL = ["latent_size=8", "width=16", "precision=float32", "batch_size=4"]


def build(classes=("a", "b"), size=16, seed=0, channels=1, **settings):
    assignments = [*SMALL, f"seed={seed}", *(f"{key}={value}" for key, value in settings.items())]
    shape = PictureShape(size=size, channels=channels, class_names=classes)
    return build_gan(override(find_preset("modern").defaults, assignments), "float32", shape, 10)


def origin_of(gan, classes=("a", "b")):
    return Origin("other@v1", collect_weights(gan), classes)


def equal(network, other):
    weights = zip(network.get_weights(), other.get_weights(), strict=True)
    return all(np.array_equal(one, two) for one, two in weights)


def test_the_same_networks_are_taken_whole_by_generator_average_and_discriminator():
    source, target = build(seed=1), build(seed=2)
    assert not equal(source.average, target.average)
    transfer = fill_networks(target, origin_of(source), ("a", "b"))
    assert (transfer.adapted, transfer.anew) == ((), ())
    assert equal(source.average, target.average)
    assert equal(source.average, target.trained)
    assert equal(source.discriminator, target.discriminator)
    assert equal(source.classifier, target.classifier)
    assert transfer.describe().endswith("layers are taken, all there are.")


def test_larger_pictures_of_other_colours_share_the_layers_near_latent_and_logits():
    source, target = build(seed=1, size=16), build(seed=2, size=32, channels=3)
    transfer = fill_networks(target, origin_of(source), ("a", "b"))
    assert len(transfer.taken) > len(transfer.anew) > 0
    said = transfer.describe()
    assert "begin anew: generator/" in said
    assert transfer.anew[0] in said
    assert "generator/dense.0" in transfer.taken
    assert "discriminator/dense.0" in transfer.taken


def test_a_run_with_none_of_the_classes_keeps_half_of_each_weight():
    source, target = build(seed=1), build(("x", "y"), seed=2)
    fresh, old = target.trained.get_weights()[0], source.average.get_weights()[0]
    transfer = fill_networks(target, origin_of(source), ("x", "y"))
    np.testing.assert_allclose(target.trained.get_weights()[0], (fresh + old) / 2.0, rtol=1e-6, atol=1e-7)
    assert equal(target.trained, target.average)
    assert "each weight by 50%" in transfer.describe()


def test_classes_are_taken_by_name_and_unknown_ones_are_near_the_mean_but_not_alike():
    old = np.arange(8, dtype=np.float32).reshape(4, 2)  # two rows of the latent, two of classes
    alike = np.ones((5, 2), np.float32)
    new = fit_classes(old, alike, ("a", "b"), ("b", "c", "a"))
    np.testing.assert_array_equal(new, [[0, 1], [2, 3], [6, 7], [5, 6], [4, 5]])
    drawn = np.array([[9, 9], [9, 9], [3, 3], [6, 9], [0, 3]], np.float32)  # the mean of its classes: 3 and 5
    new = fit_classes(old, drawn, ("a", "b"), ("x", "c", "a"))
    np.testing.assert_array_equal(new, [[0, 1], [2, 3], [5, 4], [8, 10], [4, 5]])
    np.testing.assert_array_equal(fit_classes(old, alike[:2], ("a", "b"), ()), old[:2])
    np.testing.assert_array_equal(fit_classes(old, alike, (), ("a",)), [*old, [0, 0]])
    one_for_all = np.array([[3.0, 4.0]], np.float32)
    np.testing.assert_array_equal(fit_classes(one_for_all, alike[:2], (), ("a", "b")), [[3, 4], [3, 4]])
    np.testing.assert_array_equal(fit_classes(old[2:], alike[:1], ("a", "b"), ()), [[5, 6]])
    assert fit_classes(old, np.ones((9, 2), np.float32), ("a", "b"), ("a", "b")) is None
    wider = np.ones((4, 3), np.float32)
    assert fit_classes(old, wider, ("a", "b"), ("a", "b", "c")) is None or old.shape[1] == 2


@pytest.mark.parametrize(
    ("before", "after", "channels"),
    [(("a", "b"), ("b", "x", "y"), 3), (("a", "b"), (), 1), ((), ("a", "b"), 1)],
)
def test_a_run_with_other_classes_or_colours_or_none_begins_with_nearly_all(before, after, channels):
    source, target = build(before, seed=1), build(after, seed=2, channels=channels)
    transfer = fill_networks(target, origin_of(source, before), after)
    generator = [layer for layer in transfer.anew if layer.startswith("generator/")]
    assert generator == []
    assert transfer.adapted
    assert transfer.anew == () or not (before and after)
    assert "of them with other classes or colours" in transfer.describe()
    target.finish_generator()  # and they draw


def test_networks_of_another_kind_are_refused():
    origin = replace(origin_of(build()), settings={"preset": "modern", "latent_size": 8, "epochs": 3})
    with pytest.raises(ConfigurationError, match="Nothing of other@v1 fits these networks") as raised:
        fill_networks(build(width=32, latent_size=16), origin, ("a", "b"))
    assert str(raised.value).endswith("its own preset and settings: preset=modern, latent_size=8.")


def test_a_new_run_has_the_form_of_its_origin_where_its_own_is_open(tmp_path):
    defaults = find_preset("modern").defaults
    settings = {**defaults.model_dump(), "width": 48, "residual": True, "learning_rate": 0.1}
    origin, run = Origin("other@v1", {}, (), settings), Run(tmp_path)
    taken = take_form(defaults, origin, run)
    assert (taken.width, taken.residual, taken.learning_rate) == (48, True, "auto")
    asked = override(defaults, ["width=64", "residual=false"])
    assert take_form(asked, origin, run) == asked
    assert take_form(defaults, Origin("other@v1", {}, ()), run) == defaults
    assert take_form(defaults, Origin("other@v1", {}, (), {"preset": "dcgan", "width": 48}), run) == defaults
    with pytest.raises(ConfigurationError, match="width=-1"):  # what a stranger wrote
        take_form(defaults, Origin("other@v1", {}, (), {"preset": "modern", "width": -1}), run)
    run.config_path.write_text("{}")
    assert take_form(defaults, origin, run) == defaults


@pytest.fixture(scope="module")
def toy_run(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(presets, "PRESETS", MappingProxyType({**PRESETS, TOY.name: TOY}))
        folder = tmp_path_factory.mktemp("toy") / "run"
        train_toy(folder)
        export_run(folder)
        yield folder


def train_toy(folder, *settings, **options):
    output = io.StringIO()
    every = ["batch_size=300", "precision=float32", "evaluation_epochs=0", "epochs=1"]
    train_quietly(
        override(TOY.defaults, [*every, *settings]),
        folder,
        console=Console(file=output, width=300),
        **options,
    )
    return output.getvalue()


def test_a_release_carries_weights_that_the_service_does_not_read_and_a_run_begins_with_them(
    toy_run, tmp_path
):
    store = FolderStore(tmp_path / "store")
    manifest = publish_run(toy_run, store, name="toy", version="v1", licence="mine")
    assert manifest.file(WEIGHTS).sha256
    origin = read_release(store, manifest, "toy")
    assert (origin.name, origin.class_names) == ("toy@v1", FASHION_MNIST_SHAPE.class_names)
    assert origin.settings["preset"] == "toy"
    said = train_toy(tmp_path / "run", "seed=5", origin=origin)
    assert "Began from toy@v1: " in said
    assert json.loads((tmp_path / "run" / "origin.json").read_text())["origin"] == "toy@v1"
    again = train_toy(tmp_path / "run", "seed=5", "epochs=2", origin=origin)
    assert "The run goes on where it was: --from toy@v1 is for its beginning." in again
    export_run(tmp_path / "run")
    child = publish_run(tmp_path / "run", store, name="toy", version="v2", licence="mine", weights=False)
    assert child.training["from"] == "toy@v1"
    assert child.file(WEIGHTS) is None
    with pytest.raises(ConfigurationError, match=r"toy@v2 carries no weights .* or of toy@v1"):
        read_release(store, child, "toy")
    assert find_origins(store, "toy") == ("toy@v1",)
    assert find_origins(store, "modern") == find_origins(FolderStore(tmp_path / "none"), "toy") == ()
    (tmp_path / "store" / "toy" / "versions" / "v1" / WEIGHTS).unlink()
    assert open_release(store, "toy", "v1", cpu_device(1))


def test_a_run_is_begun_from_by_its_folder(toy_run):
    origin = read_run(toy_run)
    assert origin.class_names == FASHION_MNIST_SHAPE.class_names
    stored = read_weights(Run(toy_run).weights_path)
    assert origin.weights.keys() == stored.keys()
    assert all(np.array_equal(origin.weights[name], stored[name]) for name in stored)


def test_the_command_names_a_model_that_carries_nothing(tmp_path):
    from ganymede.command import app

    command = ["train", "--preset", "modern", "--from", "fashion@v2", "--run", str(tmp_path / "run")]
    outcome = CliRunner().invoke(app, command)
    assert "fashion@v2 carries no weights to begin from" in str(outcome.exception)
    assert "No release in models carries weights to begin from" in str(outcome.exception)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", "object", "double", "huge"])
def test_weights_that_a_stranger_wrote_are_refused_in_words(tmp_path, content):
    path = tmp_path / WEIGHTS
    arrays: dict[str, Any] = {"object": np.array([{}]), "double": np.zeros(3)}
    if content in arrays:
        np.savez(path, **{"generator/dense.0/0.kernel": arrays[content]})
    elif content == "huge":
        header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000), }".ljust(117) + b"\n"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    else:
        path.write_bytes(content)
    with pytest.raises(ExportError, match="weights"):
        read_weights(path)
