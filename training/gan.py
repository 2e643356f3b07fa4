"""What the loop, the checkpoints and the export need of a preset's networks, and where they are built."""

from typing import Protocol

import keras
import tensorflow as tf

from training.chollet.gan import CholletGAN
from training.config import AnyConfiguration, CholletConfiguration, ModernConfiguration, Precision
from training.dcgan.gan import DCGAN
from training.errors import ConfigurationError
from training.modern.gan import ModernGAN
from training.modern.generator import base_size
from training.shape import PictureShape


class GAN(Protocol):
    """A generator and its adversary in training; a `tf.Module`, so that a checkpoint holds all of it."""

    step: tf.Variable
    """How many batches it has seen: all that a resume needs to know, int64 ()."""

    def finish_generator(self) -> keras.Model:
        """Return the network to draw with: latents (n, Z), or [latents, labels], to images in [-1, 1].

        Training goes on as if this had not been called.
        """

    def train_step(self, images: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
        """Train on images float32 (n, h, w, c) in [-1, 1] of classes (n,).

        Returns the losses before the step, float32 (2,): generator, discriminator, in nats.
        """


def build_gan(
    configuration: AnyConfiguration, policy: Precision, shape: PictureShape, total_steps: int
) -> GAN:
    """Build the networks of the configuration's preset for pictures of `shape`.

    `total_steps` is the length of the whole run.

    Raises:
        ConfigurationError, DataError: as `require_drawable`.
    """
    require_drawable(configuration, shape)
    if isinstance(configuration, ModernConfiguration):
        return ModernGAN(configuration, policy, shape, total_steps)
    if isinstance(configuration, CholletConfiguration):
        return CholletGAN(configuration, policy)
    return DCGAN(configuration, policy)


def choose_rewrites(configuration: AnyConfiguration) -> None:
    """Let TensorFlow rewrite the graphs that are made from now on as the preset can bear it.

    In `modern`, Grappler sums the branches' gradients in temporaries of one name, and now and then two are
    alive at once: AlreadyExistsError, "AddOpsRewrite_add/tmp_var". Without that rewrite it is as fast.
    """
    bears_it = not isinstance(configuration, ModernConfiguration)
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": bears_it})


def require_drawable(configuration: AnyConfiguration, shape: PictureShape) -> None:
    """Refuse pictures that the networks of the configuration's preset cannot draw.

    Raises:
        ConfigurationError: the preset is for one shape, and this is another.
        DataError: they cannot be halved as often as they should.
    """
    if isinstance(configuration, ModernConfiguration):
        base_size(shape.size)
    elif isinstance(configuration, CholletConfiguration):
        require_shape(configuration, shape, 32, 3)
    else:
        require_shape(configuration, shape, 28, 1)


def require_shape(configuration: AnyConfiguration, shape: PictureShape, size: int, channels: int) -> None:
    """Raise ConfigurationError unless the pictures are of the one shape that a preset's networks draw."""
    if (shape.size, shape.channels) != (size, channels):
        raise ConfigurationError(
            f"The preset '{configuration.preset}' draws {describe_shape(size, channels)} pictures; these are "
            f"{describe_shape(shape.size, shape.channels)}. Use --set size={size} --set channels={channels}, "
            "or --preset modern."
        )


def describe_shape(size: int, channels: int) -> str:
    """Return `28x28 grey` or `32x32 colour`."""
    return f"{size}x{size} {'grey' if channels == 1 else 'colour'}"


def label_classes(configuration: AnyConfiguration, shape: PictureShape) -> tuple[str, ...]:
    """Return the classes of the generator's label; none for one that takes the latent alone."""
    conditional = isinstance(configuration, ModernConfiguration) and len(shape.class_names) > 1
    return shape.class_names if conditional else ()
