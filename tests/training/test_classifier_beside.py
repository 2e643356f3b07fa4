"""The preset `modern` with a classifier beside it, whose features the discriminator judges too."""

import numpy as np
import pytest
import tensorflow as tf

from training.config import override
from training.modern.gan import ModernGAN
from training.modern.losses import generator_ratio, pairing_loss
from training.presets import find_preset
from training.run.checkpoints import Checkpoints
from training.shape import FASHION_MNIST_SHAPE, PictureShape

pytestmark = pytest.mark.usefixtures("without_tracing")
TOTAL_STEPS = 40
CLASSIFIER_STEPS = 10


@pytest.fixture(scope="module")
def configuration():
    small = ["width=16", "latent_size=8", "precision=float32", "batch_size=50"]
    return override(find_preset("modern").defaults, [*small, "epochs=4", "classifier_epochs=1"])


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
def gan(built, begin_again):
    return begin_again(*built)


def cross_entropy(gan, garments):
    *_, logits = gan.classifier(garments[0])
    classes = tf.cast(garments[1], tf.int32)
    return float(tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(classes, logits)))


def test_the_classifier_learns_for_its_epochs_and_then_rests(gan, garments):
    assert gan.classifier_steps == CLASSIFIER_STEPS
    before = cross_entropy(gan, garments)
    gan.train_step(*garments)
    for step in range(1, CLASSIFIER_STEPS):  # the others by themselves: they need not wait for the GAN
        gan.step.assign(step)
        gan.train_classifier(garments[0], tf.one_hot(garments[1], 10))
    gan.step.assign(CLASSIFIER_STEPS)
    learnt = [weight.numpy() for weight in gan.classifier.weights]
    assert cross_entropy(gan, garments) < 0.9 * before
    gan.train_step(*garments)
    for weight, old in zip(gan.classifier.weights, learnt, strict=True):
        np.testing.assert_array_equal(weight.numpy(), old)


def test_the_discriminator_judges_what_the_classifier_sees(gan, garments):
    images, labels = tf.concat([garments[0], garments[0]], 0), tf.one_hot(garments[1], 10)
    before = gan.judge(images, labels).numpy()
    for weight in gan.classifier.weights:
        weight.assign(2.0 * weight)
    assert np.abs(gan.judge(images, labels).numpy() - before).max() > 1e-3


def test_one_pass_back_serves_both_networks_through_the_classifier(gan, garments):
    labels = tf.one_hot(garments[1], 10)
    generated = gan.trained([gan.draw_noise(12), labels], training=True)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(generated)
        real_logits, generated_logits = tf.split(gan.judge(tf.concat([garments[0], generated], 0), labels), 2)
        loss_d = pairing_loss(real_logits, generated_logits)
        loss_g = pairing_loss(generated_logits, real_logits)
    ratio = generator_ratio(real_logits, generated_logits)[:, :, None, None]
    expected = tape.gradient(loss_g, generated).numpy()
    np.testing.assert_allclose(tape.gradient(loss_d, generated) * ratio, expected, atol=1e-6)
    assert np.abs(expected).max() > 1e-4


def test_what_judges_learns_nothing_by_itself_of_what_sees(gan):
    judging, seeing = (
        {variable.path for variable in network.trainable_variables}
        for network in (gan.discriminator, gan.classifier)
    )
    assert judging.isdisjoint(seeing)


def test_a_restored_state_takes_the_same_next_step(gan, garments, configuration, tmp_path):
    for _ in range(2):
        gan.train_step(*garments)
    Checkpoints(tmp_path, gan, kept=1).save(2)
    expected = [gan.train_step(*garments).numpy(), cross_entropy(gan, garments)]
    again = ModernGAN(configuration, "float32", FASHION_MNIST_SHAPE, TOTAL_STEPS)
    assert Checkpoints(tmp_path, again, kept=1).restore()
    np.testing.assert_allclose(again.train_step(*garments).numpy(), expected[0], rtol=1e-4)
    assert cross_entropy(again, garments) == pytest.approx(expected[1], rel=1e-4)


def test_where_there_are_no_classes_there_is_no_classifier(configuration, garments):
    shape = PictureShape(size=28, channels=1, class_names=("clothing",))
    gan = ModernGAN(configuration, "float32", shape, TOTAL_STEPS)
    assert gan.classifier is None
    assert np.isfinite(gan.train_step(*garments).numpy()).all()


def test_a_shorter_delay_averages_more_steps(configuration, garments):
    def follow(delay):
        settings = override(configuration, [f"average_delay={delay}"])
        gan = ModernGAN(settings, "float32", FASHION_MNIST_SHAPE, TOTAL_STEPS)
        start = [weight.numpy() for weight in gan.average.trainable_variables]
        for _ in range(3):
            gan.train_step(*garments)
        pairs = zip(gan.average.trainable_variables, start, strict=True)
        return sum(float(np.abs(weight.numpy() - old).sum()) for weight, old in pairs)

    assert follow(2) < 0.7 * follow(200)
