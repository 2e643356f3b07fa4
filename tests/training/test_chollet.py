"""The preset `chollet`: its networks, its six steps, and a short real run through to a graph."""

import math

import numpy as np
import pytest
import tensorflow as tf

from foundation.latents import draw_latents
from tests.training.conftest import train_quietly
from tests.training.test_noto_emoji import FONT
from training.chollet.gan import CholletGAN
from training.chollet.losses import crossentropy, misleading_labels, noisy_labels
from training.chollet.networks import build_discriminator, build_generator
from training.config import override
from training.data import load_pictures, scale_pixels
from training.errors import ConfigurationError
from training.export import exporting as export
from training.export.graph import run_graph
from training.presets import find_preset
from training.run.checkpoints import Checkpoints
from training.run.folder import Run

SEED = tf.constant((1, 2), tf.int64)


@pytest.fixture(scope="module")
def configuration():
    """Two emoji in one batch, in the precision that every machine has."""
    return override(
        find_preset("chollet").defaults,
        [f"data=noto-emoji:{FONT}", "held_out=0.9", "batch_size=2", "epochs=1", "precision=float32"],
    )


@pytest.fixture
def gan(configuration, request):
    request.getfixturevalue("without_tracing")
    return CholletGAN(configuration, "float32")


@pytest.fixture(scope="module")
def batch(configuration):
    pictures = load_pictures(configuration.data, settings=configuration)
    return scale_pixels(pictures.images[:2]), tf.constant(pictures.labels[:2])


def test_the_networks_have_the_parameters_of_the_book():
    assert build_generator(32).count_params() == 6_264_579
    assert build_discriminator().count_params() == 790_913


def test_the_layers_have_the_shapes_of_the_book():
    shapes = [layer.output.shape[1:] for layer in build_generator(32).layers]
    assert shapes[0] == (32_768,)
    assert shapes[2::2] == [(16, 16, 128), (16, 16, 256), (32, 32, 256), (32, 32, 256), (32, 32, 256)]
    assert shapes[-1] == (32, 32, 3)
    shapes = [layer.output.shape[1:] for layer in build_discriminator().layers]
    assert shapes[0:8:2] == [(30, 30, 128), (14, 14, 128), (6, 6, 128), (2, 2, 128)]
    assert shapes[8:] == [(512,), (512,), (1,)]


def test_the_preset_has_the_settings_of_the_book():
    preset = find_preset("chollet").defaults
    assert (preset.latent_size, preset.batch_size) == (32, 20)
    assert preset.epochs * 5_000 // preset.batch_size == 10_000
    assert (preset.discriminator_learning_rate, preset.adversarial_learning_rate) == (8e-4, 4e-4)
    assert (preset.clip_value, preset.decay, preset.label_noise) == (1.0, 1e-8, 0.05)


def test_generated_pictures_are_one_real_ones_zero_and_both_a_little_more():
    labels = noisy_labels(500, 0.05, SEED).numpy()
    assert labels.shape == (1000, 1)
    for half, label in ((labels[:500], 1.0), (labels[500:], 0.0)):
        assert half.min() >= label
        assert half.max() < label + 0.05
        assert half.mean() == pytest.approx(label + 0.025, abs=0.003)
    assert (misleading_labels(3).numpy() == 0.0).all()


def test_a_judge_that_cannot_tell_loses_log_two():
    assert float(crossentropy(tf.ones((4, 1)), tf.fill((4, 1), 0.5))) == pytest.approx(math.log(2))


def test_the_rates_fall_with_time_and_gradients_are_clipped(gan):
    for optimizer, rate in ((gan.discriminator_optimizer, 8e-4), (gan.adversarial_optimizer, 4e-4)):
        assert float(optimizer.learning_rate) == pytest.approx(rate)
        optimizer.iterations.assign(100_000_000)
        assert float(optimizer.learning_rate) == pytest.approx(rate / 2)
        assert optimizer.clipvalue == 1.0


def unchanged(network, olds):
    return [np.array_equal(old, new) for old, new in zip(olds, network.get_weights(), strict=True)]


def test_each_network_learns_while_the_other_holds_still(gan, batch):
    generator, discriminator = gan.generator.get_weights(), gan.discriminator.get_weights()
    gan.train_discriminator(tf.concat([batch[0], batch[0]], 0), noisy_labels(2, 0.05, SEED))
    assert all(unchanged(gan.generator, generator))
    assert not any(unchanged(gan.discriminator, discriminator))
    discriminator = gan.discriminator.get_weights()
    gan.train_generator(gan.draw_latents(2, SEED), misleading_labels(2))
    assert all(unchanged(gan.discriminator, discriminator))
    assert not any(unchanged(gan.generator, generator))


def test_a_restored_state_takes_the_same_next_steps(gan, batch, configuration, tmp_path):
    gan.train_step(*batch)
    Checkpoints(tmp_path, gan, kept=1).save(1)
    expected = [gan.train_step(*batch).numpy() for _ in range(2)]
    again = CholletGAN(configuration, "float32")
    assert Checkpoints(tmp_path, again, kept=1).restore()
    for losses in expected:
        np.testing.assert_allclose(again.train_step(*batch).numpy(), losses, rtol=1e-3)


def test_a_run_becomes_a_graph_from_latents_to_pixels(configuration, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    train_quietly(configuration, folder)
    assert [row.step for row in Run(folder).read_stats()] == [1]
    monkeypatch.setattr(export, "COMPARED_LATENTS", 4)  # a picture costs four thousand million products
    graph = export.export_run(folder).read_bytes()
    (pixels,) = run_graph(graph, draw_latents(range(2), 32))
    assert (pixels.shape, pixels.dtype) == ((2, 32, 32, 3), np.uint8)


@pytest.mark.parametrize(
    ("preset", "settings", "words"),
    [
        ("chollet", [], "draws 32x32 colour pictures; these are 28x28 grey. Use --set size=32"),
        ("dcgan", ["size=32"], "draws 28x28 grey pictures; these are 32x32 grey. Use --set size=28"),
    ],
)
def test_pictures_that_a_preset_cannot_draw_are_refused(preset, settings, words, tmp_path):
    settings = override(find_preset(preset).defaults, ["data=fashion-mnist", *settings])
    with pytest.raises(ConfigurationError, match=words):
        train_quietly(settings, tmp_path / "run")
    assert not (tmp_path / "run").exists()  # it is free for the corrected command
