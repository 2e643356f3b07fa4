"""The preset `modern`: its networks, losses and averages, and a short real run through to a release."""

import io
import json
import math
import re
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from rich.console import Console

from foundation.store import FolderStore
from service.engine.devices import cpu_device
from service.engine.generator import Generator
from service.releases.golden import check_golden
from tests.conftest import REPOSITORY
from tests.training.conftest import train_quietly
from training.config import override
from training.errors import DataError
from training.export.exporting import export_run
from training.export.publication import publish_run
from training.launch.choices import advise_length, replace_automatic, say_choices
from training.modern.configuration import EARLIER
from training.modern.discriminator import build_discriminator
from training.modern.gan import ModernGAN
from training.modern.generator import build_generator
from training.modern.losses import generator_ratio, gradient_penalty, pairing_loss
from training.modern.sizes import base_size
from training.networks.probability import choose_probability
from training.preset import PictureSet
from training.presets import find_preset
from training.run.checkpoints import Checkpoints
from training.run.folder import Run
from training.shape import FASHION_MNIST_SHAPE

TOTAL_STEPS = 200
SMALL = ["width=16", "latent_size=8", "precision=float32"]


@pytest.fixture(scope="module")
def configuration():
    return override(
        find_preset("modern").defaults,
        [*SMALL, "batch_size=50", "epochs=1", "settle=0.5"],
    )


@pytest.fixture(scope="module")
def garments(garments):
    """The first twelve: a step of so small a network costs what its pictures cost."""
    return garments[0][:12], garments[1][:12]


@pytest.fixture(scope="module")
def built(configuration, tmp_path_factory):
    """A GAN, and where its beginning is kept."""
    gan = ModernGAN(configuration, "float32", FASHION_MNIST_SHAPE, TOTAL_STEPS)
    beginning = tmp_path_factory.mktemp("beginning")
    Checkpoints(beginning, gan, kept=1).save(0)
    return gan, beginning


@pytest.fixture
def gan(built, begin_again, request):
    request.getfixturevalue("without_tracing")
    return begin_again(*built)


def test_the_networks_have_their_sizes():
    assert build_generator(64, 10, 28, 1, 128, "float32", 0).count_params() == 1_026_529
    assert build_discriminator(10, 28, 1, "float32", 0).count_params() == 504_641


def test_the_detailed_networks_have_theirs():
    assert build_generator(64, 10, 28, 1, 128, "float32", 0, detailed=True).count_params() == 1_077_409
    assert build_discriminator(10, 28, 1, "float32", 0, detailed=True).count_params() == 535_425


@pytest.mark.parametrize(("size", "base"), [(28, 7), (32, 8), (48, 6), (64, 8)])
def test_a_generator_draws_the_size_it_was_built_for(size, base):
    assert base_size(size) == base
    for detailed in (False, True):
        network = build_generator(8, 3, size, 3, 16, "float32", 0, detailed=detailed)
        assert network.output_shape == (None, size, size, 3)


def test_a_side_that_cannot_be_halved_is_refused():
    with pytest.raises(DataError, match="30 pixels wide cannot be halved to 8 or fewer"):
        base_size(30)


def test_one_pass_back_serves_both_networks():
    real, generated = tf.constant([[0.3], [-2.0]]), tf.constant([[1.1], [0.4]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(generated)
        loss_d, loss_g = pairing_loss(real, generated), pairing_loss(generated, real)
    by_ratio = tape.gradient(loss_d, generated) * generator_ratio(real, generated)
    np.testing.assert_allclose(by_ratio, tape.gradient(loss_g, generated), rtol=1e-5)


def test_one_pass_back_serves_both_networks_through_changed_pictures(configuration, garments):
    gan = ModernGAN(override(configuration, ["augmentation=1"]), "float32", FASHION_MNIST_SHAPE, TOTAL_STEPS)
    images, labels = garments[0], tf.one_hot(garments[1], 10)
    generated = gan.trained([gan.draw_noise(12), labels], training=True)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(generated)
        judged = gan.augment(tf.concat([images, generated], 0), len(images))
        real_logits, generated_logits = tf.split(gan.judge(judged, labels), 2)
        loss_d = pairing_loss(real_logits, generated_logits)
        loss_g = pairing_loss(generated_logits, real_logits)
    ratio = generator_ratio(real_logits, generated_logits)[:, :, None, None]
    expected = tape.gradient(loss_g, generated).numpy()
    np.testing.assert_allclose(tape.gradient(loss_d, generated) * ratio, expected, atol=1e-6)
    assert np.abs(expected).max() > 1e-4
    assert np.abs(judged[:12] - images).mean() > 0.1


def test_logits_that_cannot_be_told_apart_lose_log_two():
    assert float(pairing_loss(tf.zeros((4, 1)), tf.zeros((4, 1)))) == pytest.approx(math.log(2))


def test_the_penalty_of_a_linear_judge_is_its_weights_squared():
    images = tf.random.stateless_normal((5, 4, 4, 1), (0, 1))
    squares = gradient_penalty(lambda pictures: tf.reduce_sum(3.0 * pictures, axis=(1, 2, 3)), images)
    assert float(squares) == pytest.approx(9 * 16)


def distance(network, olds):
    pairs = zip(network.trainable_variables, olds, strict=True)
    return sum(float(np.abs(weight.numpy() - old).sum()) for weight, old in pairs)


def test_a_step_trains_both_networks_and_moves_the_average_less(gan, garments):
    networks = (gan.trained, gan.discriminator, gan.average)
    before = [[weight.numpy() for weight in network.trainable_variables] for network in networks]
    for _ in range(3):
        assert np.isfinite(gan.train_step(*garments).numpy()).all()
    moved = [distance(network, olds) for network, olds in zip(networks, before, strict=True)]
    assert moved[0] > moved[2] > 0
    assert moved[1] > 0


def test_each_optimiser_has_its_own_rate_of_the_step(gan):
    gan.step.assign(150)
    gan.set_learning_rates()
    assert float(gan.generator_optimizer.learning_rate) == pytest.approx(4e-4)
    assert float(gan.discriminator_optimizer.learning_rate) == pytest.approx(1.2e-3)


def test_while_the_networks_settle_the_penalty_weighs_more(gan, garments):
    labels = tf.one_hot(garments[1], 10)
    judged = tf.concat([garments[0], garments[0]], 0)
    nothing = [tf.zeros_like(weight) for weight in gan.discriminator.trainable_variables]
    sizes = []
    for step in (0, 152):
        gan.step.assign(step)
        sizes.append(float(tf.linalg.global_norm(gan.add_penalty(nothing, judged, labels))))
    assert sizes[1] / sizes[0] == pytest.approx(4.0, rel=1e-3)


def test_finishing_the_generator_leaves_the_training_as_it_was(gan, garments):
    gan.train_step(*garments)
    before = [variable.numpy() for variable in gan.trained.weights]
    gan.finish_generator()
    for variable, old in zip(gan.trained.weights, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), old)


def test_a_restored_state_takes_the_same_next_step(gan, garments, configuration, tmp_path):
    for _ in range(2):
        gan.train_step(*garments)
    Checkpoints(tmp_path, gan, kept=1).save(2)
    expected = gan.train_step(*garments).numpy()
    again = ModernGAN(configuration, "float32", FASHION_MNIST_SHAPE, TOTAL_STEPS)
    assert Checkpoints(tmp_path, again, kept=1).restore()
    np.testing.assert_allclose(again.train_step(*garments).numpy(), expected, rtol=1e-4)


def release_run(folder, store, name):
    export_run(folder)
    return publish_run(
        folder,
        store,
        name=name,
        version="v1",
        licence="MIT",
    )


def test_a_class_conditional_run_becomes_a_release_that_the_service_accepts(configuration, tmp_path):
    folder = tmp_path / "run"
    train_quietly(override(configuration, ["batch_size=200"]), folder)
    assert Run(folder).sample_path(1).exists()
    store = FolderStore(tmp_path / "store")
    manifest = release_run(folder, store, "fashion")
    assert manifest.label is not None
    assert manifest.label.classes == FASHION_MNIST_SHAPE.class_names
    generator = Generator(manifest, store.read(manifest, "generator.onnx"), cpu_device(1))
    assert check_golden(manifest, generator, store.read(manifest, "golden.npy")).pixels_differing <= 1e-3


def test_a_run_from_before_a_setting_goes_on_without_it(configuration, tmp_path):
    run = Run(tmp_path)
    run.start(configuration, FASHION_MNIST_SHAPE)
    stored = json.loads(run.config_path.read_text())
    run.config_path.write_text(json.dumps({name: stored[name] for name in stored if name not in EARLIER}))
    assert run.read_configuration() == configuration.model_copy(update=EARLIER)


def test_a_run_goes_on_with_what_was_chosen_for_it(configuration, tmp_path):
    run = Run(tmp_path)
    chosen: Any = replace_automatic(configuration, run, PictureSet(600, FASHION_MNIST_SHAPE))
    assert chosen.augmentation == choose_probability(600)
    run.start(chosen, FASHION_MNIST_SHAPE)
    assert replace_automatic(configuration, run, PictureSet(60_000, FASHION_MNIST_SHAPE)) == chosen
    dcgan, few = find_preset("dcgan").defaults, PictureSet(600, FASHION_MNIST_SHAPE)
    assert replace_automatic(dcgan, Run(tmp_path / "new"), few).precision != "auto"


def test_mirroring_that_happens_nowhere_is_said(configuration):
    def say(*settings):
        said = io.StringIO()
        asked = override(configuration, [*settings])
        say_choices(asked, asked, Console(file=said, width=200))
        return said.getvalue()

    assert "mirror=true mirrors nothing without --set augmentation=adaptive" in say("mirror=true")
    assert "mirrors nothing" not in say("mirror=true", "augmentation=adaptive")
    assert "mirrors nothing" not in say("mirror=false")


def test_a_short_run_is_told_how_many_epochs_would_do(configuration, tmp_path):
    said = io.StringIO()
    advise_length(configuration, Run(tmp_path), PictureSet(600, FASHION_MNIST_SHAPE), Console(file=said))
    assert "12 batches in all are few" in said.getvalue()
    assert "--set epochs=1600, which is chosen unless it is set, makes 19,200" in said.getvalue()
    said = io.StringIO()
    given = override(find_preset("modern").defaults, ["batch_size=64", "epochs=16"])
    advise_length(given, Run(tmp_path), PictureSet(300, FASHION_MNIST_SHAPE), Console(file=said))
    document = (REPOSITORY / "docs" / "training.md").read_text()
    [told] = re.findall(r"--set epochs=(\d+)", said.getvalue())
    assert f"{int(told):,} of 300\npictures" in document
    assert f"--set epochs={told} " in document
    long, said = override(configuration, ["epochs=667"]), io.StringIO()
    advise_length(long, Run(tmp_path), PictureSet(600, FASHION_MNIST_SHAPE), Console(file=said))
    assert not said.getvalue()
