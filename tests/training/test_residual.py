"""The residual networks of `modern`: what goes by the size, how they begin, a step of them, and going on."""

import numpy as np
import pytest
import tensorflow as tf

from training.config import override
from training.errors import ConfigurationError, DataError
from training.launch.choices import choose_automatic
from training.modern.automatic import choose_settings
from training.modern.gan import ModernGAN
from training.modern.residual import build_residual_discriminator, build_residual_generator
from training.modern.sizes import base_sides, choose_penalty, count_channels
from training.preset import PictureSet
from training.presets import find_preset, require_drawable
from training.run.checkpoints import Checkpoints
from training.shape import PictureShape

SMALL = ["width=16", "latent_size=4", "batch_size=4", "epochs=4", "precision=float32", "warm_up_steps=1"]
SEEN = PictureShape(height=16, width=16, channels=4)
"""Without classes a step is traced in half the time."""


def shape_of(width, height, channels=3):
    return PictureShape(height=height, width=width, channels=channels)


def chosen_for(shape, count=5000, *settings):
    configuration = override(find_preset("modern").defaults, settings)
    return {**dict(configuration), **choose_settings(configuration, PictureSet(count, shape))}


def test_the_penalty_is_that_of_r3gan_and_grows_with_the_square_beyond():
    assert [choose_penalty(side) for side in (28, 32, 64, 256, 512)] == [0.05, 0.05, 2.0, 150.0, 600.0]
    assert 2.0 < choose_penalty(96) < choose_penalty(128) < 150.0


def test_channels_have_a_floor_and_go_by_the_width():
    assert [count_channels(side, 128) for side in (8, 16, 32, 64, 128, 256, 512)] == [
        128, 128, 64, 32, 32, 32, 16
    ]  # fmt: skip
    assert [count_channels(side, 256) for side in (8, 256)] == [256, 64]
    assert count_channels(512, 16) == 16


def test_small_pictures_keep_the_settings_that_were_measured():
    for side in (28, 32):
        chosen = chosen_for(shape_of(side, side), 60_000)
        assert (chosen["residual"], chosen["batch_size"], chosen["epochs"]) == (False, 64, 16)
        assert (chosen["learning_rate"], chosen["penalty"], chosen["average_decay"]) == (2e-3, 0.05, 0.998)
        assert (chosen["classifier_epochs"], chosen["augmentation"]) == (4, 0.0)


def test_a_processor_trains_residual_networks_of_half_the_width():
    def width(side, *settings, gpu):
        configuration = override(find_preset("modern").defaults, settings)
        pictures = PictureSet(5000, shape_of(side, side), on_gpu=lambda: gpu)
        return {**dict(configuration), **choose_settings(configuration, pictures)}["width"]

    assert [width(64, gpu=gpu) for gpu in (False, True)] == [64, 128]
    assert [width(28, gpu=gpu) for gpu in (False, True)] == [128, 128]
    assert width(64, "width=96", gpu=False) == 96
    with pytest.raises(ConfigurationError, match="width"):
        override(find_preset("modern").defaults, ["width=0"])


def test_large_pictures_have_what_their_size_asks_for():
    chosen = chosen_for(shape_of(256, 256))
    assert (chosen["residual"], chosen["batch_size"], chosen["penalty"]) == (True, 16, 150.0)
    assert (chosen["augmentation"], chosen["epochs"]) == ("adaptive", 1000)
    assert chosen_for(shape_of(256, 256), 50_000)["augmentation"] == 0.0
    assert chosen_for(shape_of(48, 32))["residual"]


def test_grids_are_some_fifty_in_a_run_and_of_few_pictures_so_many_looks_apart():
    def grids(count, *settings):
        return chosen_for(shape_of(32, 32), count, *settings)["sample_epochs"]

    assert [grids(60_000), grids(60_000, "epochs=200"), grids(1885, "epochs=360")] == [1, 4, 8]
    assert [grids(90, "epochs=10000"), grids(90, "epochs=40"), grids(90, "epochs=3")] == [200, 23, 3]
    assert grids(90, "epochs=40", "sample_epochs=1") == 1


def test_what_is_set_is_not_chosen():
    chosen = chosen_for(shape_of(64, 64), 5000, "penalty=0.5", "batch_size=24", "epochs=3")
    assert (chosen["penalty"], chosen["batch_size"], chosen["epochs"]) == (0.5, 24, 3)


@pytest.mark.parametrize(
    ("width", "height", "base"), [(64, 64, (8, 8)), (96, 64, (4, 6)), (48, 80, (5, 3)), (320, 256, (4, 5))]
)
def test_both_sides_are_halved_as_often(width, height, base):
    if min(base) < 4:
        with pytest.raises(DataError, match="are too long"):
            base_sides(height, width)
    else:
        assert base_sides(height, width) == base


@pytest.mark.parametrize(("sides", "words"), [((100, 64), "cannot be halved"), ((128, 32), "are too long")])
def test_rectangles_that_cannot_be_halved_are_refused(sides, words):
    with pytest.raises(DataError, match=words):
        require_drawable(find_preset("modern").defaults, shape_of(*sides))


@pytest.mark.parametrize("shape", [shape_of(48, 32), shape_of(64, 64, 4)])
def test_every_block_is_the_identity_at_first(shape):
    generator = build_residual_generator(4, 2, shape, 16, "float32", 0)
    discriminator = build_residual_discriminator(2, shape, 16, "float32", 1)
    assert generator.output_shape == (None, shape.height, shape.width, shape.channels)
    for network in (generator, discriminator):
        added = [layer.input[1] for layer in network.layers if layer.name.startswith("add") and layer.dtype]
        zero = [
            layer.output
            for layer in network.layers
            if hasattr(layer, "kernel") and not np.asarray(layer.kernel).any()
        ]
        blocks = [one for one in added if any(one is other for other in zero)]
        assert len(blocks) >= 3


def test_the_width_makes_both_networks_larger():
    sizes = [
        (
            build_residual_generator(4, 2, SEEN, width, "float32", 0).count_params(),
            build_residual_discriminator(2, SEEN, width, "float32", 0).count_params(),
        )
        for width in (16, 64)
    ]
    assert sizes[1][0] > 4 * sizes[0][0]
    assert sizes[1][1] > 4 * sizes[0][1]


@pytest.fixture(scope="module")
def batch():
    images = tf.random.stateless_uniform((4, 16, 16, 4), (0, 1), -1.0, 1.0)
    return images, tf.constant([0, 1, 0, 1])


def build(*settings):
    configuration = override(
        find_preset("modern").defaults,
        [*SMALL, "residual=true", "augmentation=adaptive", "mirror=true", "matching=0", *settings],
    )
    return ModernGAN(configuration, "float32", SEEN, total_steps=40)


def test_a_run_goes_on_with_the_probability_that_it_had(batch, tmp_path):
    gan = build()
    gan.adaptation.probability.assign(0.5)
    before = gan.trained.get_weights()
    gan.train_step(*batch)
    assert float(gan.adaptation.probability) == pytest.approx(0.5 - 4 / 200_000)
    gan.adaptation.sign.assign(0.9)
    gan.train_step(*batch)
    assert float(gan.adaptation.probability) == pytest.approx(0.5)
    assert any(
        np.abs(new - old).max() > 0 for new, old in zip(gan.trained.get_weights(), before, strict=True)
    )
    Checkpoints(tmp_path, gan, kept=1).save(2)
    expected = gan.train_step(*batch).numpy()
    again = build()
    assert Checkpoints(tmp_path, again, kept=1).restore()
    np.testing.assert_array_equal(again.train_step(*batch).numpy(), expected)
    assert float(again.adaptation.probability) == float(gan.adaptation.probability)


def test_in_float16_the_losses_are_scaled_and_a_step_that_overflows_changes_no_weight(batch):
    configuration = override(
        find_preset("modern").defaults, [*SMALL, "residual=true", "augmentation=0", "matching=0"]
    )
    gan = ModernGAN(configuration, "mixed_float16", SEEN, total_steps=40)
    before = gan.trained.get_weights()
    assert np.isfinite(gan.train_step(*batch).numpy()).all()
    moved = gan.trained.get_weights()
    assert any((new != old).any() for new, old in zip(moved, before, strict=True))
    trained = [weight.numpy() for weight in gan.trained.trainable_variables]
    gan.loss_scale.scale.assign(1e38)
    gan.train_step(*batch)
    for weight, old in zip(gan.trained.trainable_variables, trained, strict=True):
        np.testing.assert_array_equal(weight.numpy(), old)
    assert float(gan.loss_scale.scale) <= 2.0**24


def test_a_preset_that_does_not_scale_its_losses_refuses_float16():
    dcgan = override(find_preset("dcgan").defaults, ["precision=mixed_float16"])
    with pytest.raises(ConfigurationError, match="does not scale its losses"):
        choose_automatic(dcgan, PictureSet(600, SEEN))
