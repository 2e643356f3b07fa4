"""All networks of a run of `modern`, built from its seed, each with seeds of its own."""

from dataclasses import dataclass

import keras

from training.config import Precision
from training.modern.class_means import ClassMeans
from training.modern.configuration import ModernConfiguration
from training.modern.discriminator import build_classifier, build_discriminator
from training.modern.generator import build_generator
from training.modern.observer import Observer
from training.modern.residual import build_residual_discriminator, build_residual_generator
from training.modern.schedule import plan_observer
from training.modern.sizes import LARGEST_WATCHED
from training.shape import PictureShape


@dataclass(frozen=True, slots=True)
class Networks:
    """A generator, its average in float32, a discriminator, and the classifier through which that sees."""

    trained: keras.Model
    average: keras.Model
    discriminator: keras.Model
    classifier: keras.Model | None


def count_classes(shape: PictureShape) -> int:
    """Return how many classes the networks know; 0 where all pictures are of one."""
    return len(shape.class_names) if len(shape.class_names) > 1 else 0


def build_networks(configuration: ModernConfiguration, policy: Precision, shape: PictureShape) -> Networks:
    """Build the networks with weights drawn from the seed, the average equal to the trained."""
    seed, classes = configuration.seed, count_classes(shape)
    trained = build_generator_for(configuration, policy, shape)
    average = build_generator_for(configuration, "float32", shape)
    average.set_weights(trained.get_weights())
    classifier: keras.Model | None = None
    seen: list[tuple[int, int, int]] = []
    if classes and configuration.classifier_epochs:
        sides, shrink = (shape.height, shape.width), choose_shrink(configuration, shape)
        classifier = build_classifier(classes, sides, shape.channels, policy, seed + 2, shrink=shrink)
        seen = [features[1:] for features in classifier.output_shape[:-1]]
    if configuration.residual:
        discriminator = build_residual_discriminator(
            classes, shape, configuration.width, policy, seed + 1, seen=seen
        )
    else:
        judged, detailed = (classes, shape.size, shape.channels, policy), configuration.detailed
        discriminator = build_discriminator(*judged, seed + 1, seen=seen, detailed=detailed)
    return Networks(trained, average, discriminator, classifier)


def build_generator_for(
    configuration: ModernConfiguration, policy: Precision, shape: PictureShape
) -> keras.Model:
    """Build the generator that the configuration names, its weights drawn from the seed."""
    classes, width, seed = count_classes(shape), configuration.width, configuration.seed
    if configuration.residual:
        return build_residual_generator(configuration.latent_size, classes, shape, width, policy, seed)
    sizes = (configuration.latent_size, classes, shape.size, shape.channels, width)
    return build_generator(*sizes, policy, seed, detailed=configuration.detailed)


def choose_shrink(configuration: ModernConfiguration, shape: PictureShape) -> int:
    """Return how many times smaller classifier and observer see the pictures."""
    shrink = 1
    while configuration.residual and shape.size // shrink > LARGEST_WATCHED:
        shrink *= 2
    return shrink


def build_class_means(
    configuration: ModernConfiguration, policy: Precision, shape: PictureShape, total_steps: int
) -> ClassMeans | None:
    """Build the observer with what it keeps of each class; None where nothing is matched."""
    classes = count_classes(shape)
    if not (classes and configuration.matching and configuration.settle):
        return None
    sides, shrink = (shape.height, shape.width), choose_shrink(configuration, shape)
    seed = configuration.seed + 3
    observer = Observer(classes, sides, shape.channels, policy, seed=seed, shrink=shrink)
    return ClassMeans(observer, classes, plan_observer(configuration, total_steps))
