"""A preset is one object: a fourth one trains, resumes, is exported and published by being registered."""

import io
import json
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from rich.console import Console

from foundation.store import FolderStore
from tests.training.conftest import DATA_FOLDER, train_quietly
from tests.training.test_scale import Two
from tests.training.toy_preset import TOY
from training import presets
from training.config import override
from training.errors import ConfigurationError
from training.evaluation.rank import rank_run
from training.export.exporting import export_run, read_export
from training.export.publication import publish_run
from training.launch.devices import distribute_step
from training.presets import PRESETS, any_configuration, find_preset, require_drawable
from training.run.checkpoints import Checkpoints
from training.run.folder import Run
from training.shape import FASHION_MNIST_SHAPE, PictureShape

SETTINGS = ["epochs=3", "batch_size=60", "precision=float32", "evaluation_images=60"]


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setattr(presets, "PRESETS", MappingProxyType({**PRESETS, TOY.name: TOY}))


def train_toy(folder, *settings):
    said = io.StringIO()
    console = Console(file=said, width=200)
    configuration = override(find_preset("toy").defaults, [*SETTINGS, *settings])
    outcome = train_quietly(configuration, folder, console=console)
    return outcome, said.getvalue()


def read_settings(folder) -> Any:
    return Run(folder).read_configuration()


def read_weights(folder):
    run = Run(folder)
    gan: Any = presets.build_gan(run.read_configuration(), "float32", run.read_shape(), 1)
    assert Checkpoints(run.checkpoints_folder, gan, 3).restore()
    return [weight.numpy() for weight in gan.generator.weights + gan.discriminator.weights]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(presets, "PRESETS", MappingProxyType({**PRESETS, TOY.name: TOY}))
        folder = tmp_path_factory.mktemp("toy") / "run"
        return folder, *train_toy(folder)


def test_it_trains_with_what_auto_means_to_it_and_its_own_advice(trained):
    folder, outcome, said = trained
    assert (outcome.epochs, outcome.step) == (3, 30)
    assert read_settings(folder).rate == 1.0 / 600
    assert "30 batches in all are few" in said
    assert "--set epochs=20, which is chosen unless it is set, makes 200." in said


def test_it_goes_on_to_the_very_weights_of_an_unbroken_run(trained, tmp_path):
    train_toy(tmp_path / "run", "epochs=1")
    outcome, said = train_toy(tmp_path / "run")
    assert "Going on after epoch 1, batch 10." in said
    assert outcome.step == 30
    for weight, unbroken in zip(read_weights(tmp_path / "run"), read_weights(trained[0]), strict=True):
        np.testing.assert_array_equal(weight, unbroken)


def test_it_is_ranked_exported_and_published_with_its_classes(trained, tmp_path):
    folder, _, _ = trained
    best = rank_run(folder, features=None, images=60, data_folder=DATA_FOLDER, measured=lambda *_: None)
    export_run(folder)
    assert read_export(Run(folder)).best == best
    manifest = publish_run(folder, FolderStore(tmp_path), name="toy", version="v1", licence="MIT")
    assert manifest.label is not None
    assert manifest.label.classes == FASHION_MNIST_SHAPE.class_names
    assert manifest.latent.size == 4
    assert manifest.training["configuration"]["preset"] == "toy"


def test_its_runs_from_before_a_setting_are_read(trained, tmp_path):
    stored = json.loads(Run(trained[0]).config_path.read_text())
    assert stored["shift"] == 0.5
    del stored["shift"]
    run = Run(tmp_path)
    run.config_path.write_text(json.dumps(stored))
    assert read_settings(tmp_path).shift == 0.0


def test_its_configuration_is_one_of_the_union():
    given = TOY.defaults.model_copy(update={"seed": 9})
    assert any_configuration().validate_json(given.model_dump_json()) == given


def test_it_is_refused_where_it_cannot_be_used_and_named_where_it_can():
    with pytest.raises(ConfigurationError, match=r"'toy' trains on one device, not on 2.*dcgan or modern\.$"):
        distribute_step(Two(), None, TOY.defaults)
    with pytest.raises(ConfigurationError, match=r"Or use --preset modern or toy\.$"):
        require_drawable(find_preset("dcgan").defaults, PictureShape(size=32, channels=1))
    with pytest.raises(ConfigurationError, match=r"channels=1\. Or use --preset toy\.$"):
        require_drawable(find_preset("dcgan").defaults, PictureShape(size=33, channels=1))


def test_each_preset_chooses_the_rewrites_that_it_bears():
    from training.launch.rewrites import choose_rewrites

    for name in ("modern", "toy", "dcgan"):
        choose_rewrites(find_preset(name))
        bears_it = tf.config.optimizer.get_experimental_options()["arithmetic_optimization"]
        assert bears_it == (name != "modern")
