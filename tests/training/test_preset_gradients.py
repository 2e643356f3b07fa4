"""Every preset's generator as it is served, differentiated in ONNX and by Keras: the same gradients."""

import numpy as np
import pytest

from training.config import override
from training.encoder.graphs import differentiate
from training.encoder.sessions import Drawing
from training.encoder.subject import Subject
from training.encoder.supply import scale
from training.export.graph import convert_generator, keep_pixels
from training.export.projection import MAX_GRADIENT_DIFFERENCE
from training.presets import build_gan, find_preset
from training.shape import FASHION_MNIST_SHAPE, PictureShape

CLASSES = ("left", "right", "both")
CASES = {
    "dcgan": ("dcgan", FASHION_MNIST_SHAPE),
    "chollet": ("chollet", PictureShape(height=32, width=32, channels=3)),
    "modern, of classes": ("modern", PictureShape(height=16, width=16, channels=1, class_names=CLASSES)),
    "modern, with transparency": ("modern", PictureShape(height=16, width=16, channels=4)),
    "modern, a residual rectangle of classes": (
        "modern",
        PictureShape(height=16, width=32, channels=3, class_names=CLASSES),
    ),
}


@pytest.mark.parametrize(("preset", "shape"), CASES.values(), ids=CASES.keys())
def test_the_gradient_of_what_is_served_is_that_of_keras(preset, shape):
    sets = ["width=16"] if preset == "modern" else []
    configuration = override(find_preset(preset).defaults, sets)
    generator = build_gan(configuration, "float32", shape, 1).finish_generator()
    random = np.random.default_rng(3)
    for weight in generator.trainable_weights:  # some begin as zeros, through which nothing goes
        weight.assign(weight + 0.1 * random.normal(size=weight.shape))
    names = find_preset(preset).label_classes(shape)
    graph = keep_pixels(convert_generator(generator, configuration.latent_size, len(names)))
    plain = shape.model_copy(update={"class_names": ()})
    drawing = Drawing(Subject("it", graph.SerializeToString(), configuration.latent_size, names, plain))
    latents = random.normal(size=(2, configuration.latent_size)).astype(np.float32)
    labels = np.eye(len(names), dtype=np.float32)[[0, 2]] if names else None
    images = random.integers(0, 256, (2, shape.height, shape.width, shape.channels), np.uint8)
    pictures = scale(images)
    found, _ = drawing.compare(latents, labels, pictures)
    wanted = differentiate(generator, latents, labels, pictures)
    assert np.abs(found - wanted).max() <= MAX_GRADIENT_DIFFERENCE * np.abs(wanted).max()
    assert np.abs(wanted).max() > 0
    _, own = drawing.compare(latents, labels, scale(drawing.draw(latents, labels)))
    assert own.max() < 2e-5  # what bytes round away
