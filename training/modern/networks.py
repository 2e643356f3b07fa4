"""All networks of a run of `modern`, built from its seed, each with seeds of its own."""

from dataclasses import dataclass

import keras

from training.config import Precision
from training.modern.class_means import ClassMeans
from training.modern.configuration import ModernConfiguration
from training.modern.discriminator import build_classifier, build_discriminator
from training.modern.generator import build_generator
from training.modern.observer import Observer
from training.modern.schedule import plan_observer
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
    seed, classes, detailed = configuration.seed, count_classes(shape), configuration.detailed
    sizes = (configuration.latent_size, classes, shape.size, shape.channels, configuration.width)
    trained = build_generator(*sizes, policy, seed, detailed=detailed)
    average = build_generator(*sizes, "float32", seed, detailed=detailed)
    average.set_weights(trained.get_weights())
    judged = (classes, shape.size, shape.channels, policy)
    classifier: keras.Model | None = None
    seen: list[tuple[int, int, int]] = []
    if classes and configuration.classifier_epochs:
        classifier = build_classifier(*judged, seed + 2)
        seen = [features[1:] for features in classifier.output_shape[:-1]]
    discriminator = build_discriminator(*judged, seed + 1, seen=seen, detailed=detailed)
    return Networks(trained, average, discriminator, classifier)


def build_class_means(
    configuration: ModernConfiguration, policy: Precision, shape: PictureShape, total_steps: int
) -> ClassMeans | None:
    """Build the observer with what it keeps of each class; None where nothing is matched."""
    classes = count_classes(shape)
    if not (classes and configuration.matching and configuration.settle):
        return None
    observer = Observer(classes, shape.size, shape.channels, policy, seed=configuration.seed + 3)
    return ClassMeans(observer, classes, plan_observer(configuration, total_steps))
