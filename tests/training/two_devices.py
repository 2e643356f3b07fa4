"""Prints what six steps of a preset lose on one device and on two logical ones; a process of its own."""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf

from training.config import override
from training.launch.devices import distribute_step
from training.presets import build_gan, find_preset
from training.shape import FASHION_MNIST_SHAPE

MATCHING = ["epochs=100", "settle=0.99", "observer_share=0.01", "learning_rate=0.0002"]
"""The observer learns at the first step, measures at the second, and is heeded from the third on."""
MODERN = ["latent_size=8", "width=16", "penalty_interval=2", "augmentation=0.5", *MATCHING]
ADAPTIVE = ["residual=true", "augmentation=adaptive", "mirror=true", "matching=0"]
SETTINGS = {"dcgan": ["latent_size=8"], "modern": MODERN, "adaptive": [*MODERN, *ADAPTIVE]}
STEPS, BATCH = 6, 16


def losses(preset: str, strategy: tf.distribute.Strategy) -> list[float]:
    """The losses of each step, and for `modern` how far each class is off its mean."""
    settings = [*SETTINGS[preset], f"batch_size={BATCH}", "precision=float32"]
    configuration = override(find_preset("modern" if preset == "adaptive" else preset).defaults, settings)
    with strategy.scope():
        gan = build_gan(configuration, "float32", FASHION_MNIST_SHAPE, total_steps=100)
        if preset == "adaptive":
            gan.adaptation.probability.assign(0.5)
    step = distribute_step(strategy, gan.train_step, configuration)
    draw = np.random.default_rng(1)
    images = draw.uniform(-1, 1, (BATCH, 28, 28, 1)).astype(np.float32)
    classes = draw.integers(0, 10, BATCH).astype(np.uint8)
    found = [step(tf.constant(images), tf.constant(classes)).numpy() for _ in range(STEPS)]
    assert gan.step.numpy() == STEPS
    if preset == "adaptive":
        found.append(np.array([gan.adaptation.probability.numpy(), gan.adaptation.sign.numpy()]))
    if preset == "modern":
        found.append(tf.reduce_mean(tf.abs(gan.class_means.offset), 1).numpy())
    return np.concatenate(found).tolist()


if __name__ == "__main__":
    [cpu] = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    both = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    for strategy in (tf.distribute.get_strategy(), both):
        tf.config.run_functions_eagerly(strategy is not both)  # tracing costs more than six steps
        print(*losses(sys.argv[1], strategy))
