"""The preset `modern` with an observer, who pulls generated pictures towards the means of their classes."""

import numpy as np
import pytest
import tensorflow as tf

from training.config import override
from training.modern.class_means import ClassMeans
from training.modern.gan import ModernGAN
from training.modern.observer import Observer, build_observer
from training.modern.schedule import ObserverPlan
from training.presets import find_preset
from training.run.checkpoints import Checkpoints
from training.shape import FASHION_MNIST_SHAPE, PictureShape

pytestmark = pytest.mark.usefixtures("without_tracing")
TOTAL_STEPS = 40
PLAN = ObserverPlan(learnt=8, measured=10, matched=12)
ALWAYS, NEVER = tf.constant(True), tf.constant(False)


@pytest.fixture(scope="module")
def configuration():
    small = ["width=16", "latent_size=8", "precision=float32", "batch_size=50", "epochs=20"]
    return override(find_preset("modern").defaults, [*small, "observer_share=0.2", "settle=0.7"])


@pytest.fixture
def observer():
    return Observer(10, 28, 1, "float32", seed=7)


@pytest.fixture
def means(observer):
    return ClassMeans(observer, 10, PLAN)


@pytest.fixture
def batch(garments):
    """Fifty garments, and their labels (50, 10)."""
    return garments[0], tf.one_hot(garments[1], 10)


def match(means, batch, step):
    images, labels = batch
    return means.match(images, -images, labels, together=tf.constant(50), step=tf.constant(step, tf.int64))


def learnt_weights(observer):
    return [weight.numpy() for weight in observer.network.weights]


def offsets(means, images, labels):
    """How far the images' means are off the real ones, class by class, in deviations."""
    features = means.observer.see(images).numpy()
    deviation = np.sqrt((means.square - means.mean**2).numpy().mean(0))
    classes = labels.numpy().argmax(1)
    found = [features[classes == k].mean(0) - means.mean[k] for k in np.unique(classes)]
    return np.array(found) / deviation


@pytest.mark.parametrize("size", [28, 32, 48, 64])
def test_what_an_observer_sees_has_one_size_for_pictures_of_any(size):
    features, logits = build_observer(9, size, 3, "float32", 0).output_shape
    assert features == (None, 160)
    assert logits == (None, 9)


def test_the_observer_learns_for_its_steps_and_then_rests(observer, batch):
    images, labels = (tensor[:20] for tensor in batch)

    def cross_entropy():
        _, logits = observer.network(images)
        return float(tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels, logits)))

    before = cross_entropy()
    for step in range(20):
        observer.learn(images, labels, tf.constant(20), tf.constant(step, tf.int64), steps=20)
    assert cross_entropy() < 0.7 * before
    weights = learnt_weights(observer)
    observer.learn(images, labels, tf.constant(20), tf.constant(20, tf.int64), steps=20)
    for weight, old in zip(learnt_weights(observer), weights, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_its_pictures_are_mirrored_by_chance_and_moved_together(observer):
    gradient = tf.tile(tf.linspace(0.0, 1.0, 28)[None, None, :, None], (50, 28, 1, 1))
    changed = observer.change(gradient, tf.constant(50), tf.constant(3, tf.int64)).numpy()
    rows = {tuple(row) for row in changed[:, 0, :, 0]}
    assert len(rows) == 2
    assert all(sorted(row) == sorted(gradient[0, 0, :, 0].numpy()) for row in rows)


def test_real_means_are_those_of_all_batches_that_were_measured(means, batch):
    images, labels = batch
    for rows in (slice(0, 20), slice(20, 50)):
        means.measure(images[rows], labels[rows], happens=ALWAYS)
    means.measure(-images, labels, happens=NEVER)
    features, classes = means.observer.see(images).numpy(), labels.numpy().argmax(1)
    for k in np.unique(classes):
        of_class = features[classes == k]
        assert means.count[k].numpy() == len(of_class)
        np.testing.assert_allclose(means.mean[k], of_class.mean(0), atol=1e-5)
        np.testing.assert_allclose(means.square[k], (of_class**2).mean(0), atol=1e-5)


def test_it_first_learns_then_measures_and_pulls_only_then(means, batch):
    start = learnt_weights(means.observer)
    assert not match(means, batch, PLAN.learnt - 1).numpy().any()
    assert not all(map(np.array_equal, learnt_weights(means.observer), start))
    assert not means.count.numpy().any()
    assert not match(means, batch, PLAN.learnt).numpy().any()
    assert means.count.numpy().sum() == 50
    assert not match(means, batch, PLAN.measured).numpy().any()
    assert means.count.numpy().sum() == 50
    assert not means.offset.numpy().any()
    match(means, batch, PLAN.matched)
    assert means.offset.numpy().any()
    assert match(means, batch, PLAN.matched).numpy().any()


def test_an_observer_that_learns_again_measures_again(means, batch):
    match(means, batch, PLAN.learnt)
    assert means.count.numpy().sum() == 50
    match(means, batch, PLAN.learnt - 1)
    assert not means.count.numpy().any()


def test_pictures_that_follow_the_pull_come_nearer_to_the_means_of_their_classes(means, batch):
    images, labels = (tensor[:20] for tensor in batch)
    means.measure(images, labels, happens=ALWAYS)
    generated = 0.5 * images
    first = np.square(offsets(means, generated, labels)).mean()
    for _ in range(30):
        pull = means.pull(generated, labels, happens=ALWAYS)
        generated -= 0.05 * pull / (tf.norm(pull) + 1e-12) * tf.norm(images) ** 0.5
    assert np.square(offsets(means, generated, labels)).mean() < 0.5 * first


def test_a_class_without_real_pictures_pulls_nothing(means, batch):
    images, labels = batch
    known = tf.argmax(labels, 1) != 9
    means.measure(images[known], labels[known], happens=ALWAYS)
    for _ in range(2):
        pull = means.pull(-images, labels, happens=ALWAYS).numpy()
    assert not pull[~known.numpy()].any()
    assert pull[known.numpy()].any(axis=(1, 2, 3)).all()


def test_the_generator_learns_by_the_pull(configuration, garments):
    garments = garments[0][:20], garments[1][:20]

    def step_twice(matching):
        settings = override(configuration, [f"matching={matching}"])
        gan = ModernGAN(settings, "float32", FASHION_MNIST_SHAPE, TOTAL_STEPS)
        gan.class_means.measure(garments[0], tf.one_hot(garments[1], 10), happens=ALWAYS)
        gan.step.assign(gan.class_means.plan.matched)
        for _ in range(2):
            gan.train_step(*garments)
            yield gan.trained.get_weights()[0]

    first, second = (
        np.abs(little - much).mean() for little, much in zip(step_twice(1e-6), step_twice(1e6), strict=True)
    )
    assert first < 1e-5
    assert second > 1e-4


def test_a_restored_state_is_matched_as_before(configuration, garments, tmp_path):
    garments = garments[0][:20], garments[1][:20]
    gan = ModernGAN(configuration, "float32", FASHION_MNIST_SHAPE, TOTAL_STEPS)
    plan = gan.class_means.plan
    for step in (plan.learnt - 1, plan.learnt, plan.matched, plan.matched + 1):
        gan.step.assign(step)
        gan.train_step(*garments)
    Checkpoints(tmp_path, gan, kept=1).save(plan.matched + 2)
    again = ModernGAN(configuration, "float32", FASHION_MNIST_SHAPE, TOTAL_STEPS)
    assert Checkpoints(tmp_path, again, kept=1).restore()
    for _ in range(2):
        np.testing.assert_allclose(again.train_step(*garments), gan.train_step(*garments), rtol=1e-4)
    assert again.class_means.offset.numpy().any()
    np.testing.assert_allclose(again.class_means.offset, gan.class_means.offset, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("assignment", ["matching=0", "settle=0"])
def test_without_matching_or_settling_there_is_no_observer(configuration, assignment):
    settings = override(configuration, [assignment])
    assert ModernGAN(settings, "float32", FASHION_MNIST_SHAPE, TOTAL_STEPS).class_means is None


def test_where_there_are_no_classes_there_is_no_observer(configuration):
    shape = PictureShape(size=28, channels=1, class_names=("clothing",))
    assert ModernGAN(configuration, "float32", shape, TOTAL_STEPS).class_means is None
