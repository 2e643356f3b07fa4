"""The step of `modern`: what it draws, generates and judges, its losses, and what they move.

A generator, its average and a discriminator, and where there are classes two classifiers: one through which
the discriminator sees, and an observer.
"""

import keras
import tensorflow as tf

from training.config import Precision
from training.modern.automatic import choose_settings
from training.modern.average import average_decay, update_average
from training.modern.calibration import measure_statistics
from training.modern.chances import change_adapted, change_pictures, draw_noise
from training.modern.configuration import ModernConfiguration
from training.modern.lessons import teach
from training.modern.losses import classification_loss, discriminator_loss, generator_loss, generator_ratio
from training.modern.networks import build_class_means, build_networks, count_classes
from training.modern.penalty import add_penalty
from training.modern.schedule import learning_rates, penalty_weight
from training.networks.adaptive import Adaptation
from training.networks.loss_scale import LESSON_SCALE, LossScale, finish_gradients, read_scale
from training.networks.replicas import count_replicas, replica_mean, replica_share
from training.networks.shared_pass import SharedPass
from training.preset import PictureSet
from training.shape import PictureShape

CALIBRATION_IMAGES = 2048
CALIBRATED_PIXELS, FEWEST_CALIBRATED = 2**21, 128
"""The statistics of residual networks are of so many pixels at full size, but of no fewer pictures."""
CALIBRATION_SEED = (0x6A6E, 0x796D)


class ModernGAN(tf.Module):  # type: ignore[misc]  # TensorFlow ships no types
    """A GAN in training, class-conditional where there are classes; `step` counts the batches it has seen."""

    def __init__(
        self,
        configuration: ModernConfiguration,
        policy: Precision,
        shape: PictureShape,
        total_steps: int,
    ) -> None:
        """Build the networks with weights drawn from the configuration's seed.

        `total_steps` is the length of the whole run, on which the learning rate depends. The attributes are
        what a checkpoint holds, by these names.
        """
        super().__init__()
        keras.utils.set_random_seed(configuration.seed)
        if configuration.augmentation == "auto":
            # A run from before there was augmentation has it still to be chosen: it went without.
            configuration = configuration.model_copy(update={"augmentation": 0.0})
        open_settings = choose_settings(configuration, PictureSet(total_steps, shape))
        configuration = configuration.model_copy(update=open_settings)
        self.configuration = configuration
        self.classes = count_classes(shape)
        self.adaptation = Adaptation() if configuration.augmentation == "adaptive" else None
        self.loss_scale = LossScale() if policy == "mixed_float16" else None
        self.total_steps = total_steps
        self.calibration_images = CALIBRATION_IMAGES
        if configuration.residual:
            self.calibration_images = max(FEWEST_CALIBRATED, CALIBRATED_PIXELS // shape.pixels)
        self.classifier_steps = total_steps * int(configuration.classifier_epochs) // configuration.epochs
        networks = build_networks(configuration, policy, shape)
        self.trained, self.average = networks.trained, networks.average
        self.discriminator, self.classifier = networks.discriminator, networks.classifier
        self.class_means = build_class_means(configuration, policy, shape, total_steps)
        self.generator_optimizer = build_optimizer(configuration, self.trained)
        self.discriminator_optimizer = build_optimizer(configuration, self.discriminator)
        if self.classifier:
            self.classifier_optimizer = build_optimizer(configuration, self.classifier)
        self.step = tf.Variable(
            0, dtype=tf.int64, trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA
        )

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]  # as above
    def train_step(self, images: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
        """Train on images float32 (n, h, w, c) in [-1, 1] of classes int (n,).

        Returns the losses before the step, float32 (2,): generator, discriminator, in nats.
        """
        together = tf.shape(images)[0]
        # Draw latents; take this replica's pictures and labels.
        latents = replica_share(self.draw_noise(together))  # (n, Z)
        images, classes = replica_share(images), replica_share(classes)
        labels = tf.one_hot(tf.cast(classes, tf.int32), self.classes)  # (n, classes)
        # Generate a picture of each real one's class.
        with tf.GradientTape() as drawing:
            generated = self.trained(self.join(latents, labels), training=True)
        # Judge the pairs.
        with tf.GradientTape() as judging:
            judging.watch(generated)
            judged = self.augment(tf.concat([images, generated], 0), together)  # (2n, h, w, c)
            real_logits, generated_logits = tf.split(self.judge(judged, labels), 2)
            loss_d = discriminator_loss(real_logits, generated_logits)
            share_d = loss_d / count_replicas() * read_scale(self.loss_scale)
        loss_g = generator_loss(real_logits, generated_logits)
        if self.adaptation is not None:
            self.adaptation.learn(real_logits, generated_logits, together)
        # Take the gradients of the losses, of the pull to the class's mean, and of R1 and R2.
        gradients_g, gradients_d = SharedPass(drawing, judging, generated).differentiate(
            share_d,
            generator_ratio(real_logits, generated_logits),
            self.trained,
            self.discriminator,
            self.pull(images, generated, labels, together),
        )
        gradients_d = self.add_penalty(gradients_d, judged, labels)
        gradients_g, gradients_d = finish_gradients(self.loss_scale, gradients_g, gradients_d)
        # Apply them.
        self.set_learning_rates()
        self.train_classifier(images, labels)
        self.discriminator_optimizer.apply(gradients_d, self.discriminator.trainable_variables)
        self.generator_optimizer.apply(gradients_g, self.trained.trainable_variables)
        tf.distribute.get_replica_context().merge_call(self.update_average)
        self.step.assign_add(tf.constant(1, tf.int64))
        return replica_mean(tf.stack([loss_g, loss_d]))

    def join(self, inputs: tf.Tensor, labels: tf.Tensor) -> tf.Tensor | list[tf.Tensor]:
        """Return what a network is called with: the labels beside the inputs, if there are classes."""
        return [inputs, labels] if self.classes else inputs

    def draw_noise(self, count: tf.Tensor) -> tf.Tensor:
        """Draw this step's latents float32 (count, Z)."""
        return draw_noise(self.configuration.seed, self.step, count, self.configuration.latent_size)

    def augment(self, images: tf.Tensor, together: tf.Tensor) -> tf.Tensor:
        """Change images (2n, h, w, c) by this step's chances; `together` as in `change_pictures`."""
        settings = self.configuration
        if self.adaptation is not None:
            mirror = settings.mirror is True
            return change_adapted(images, self.adaptation, settings.seed, self.step, together, mirror=mirror)
        return change_pictures(images, float(settings.augmentation), settings.seed, self.step, together)

    def judge(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Return the logits (2n, 1) of images (2n, h, w, c), both halves of classes (n, classes)."""
        judged = self.join(images, tf.concat([labels, labels], 0))
        if self.classifier:
            *seen, _ = self.classifier(images)
            judged = [*judged, *seen]
        return self.discriminator(judged, training=True)

    def pull(
        self, images: tf.Tensor, generated: tf.Tensor, labels: tf.Tensor, together: tf.Tensor
    ) -> tf.Tensor | None:
        """Return the gradient (n, h, w, c) that draws the generated towards what their classes look like."""
        if self.class_means is None:
            return None
        pull = self.class_means.match(images, generated, labels, together=together, step=self.step)
        return self.configuration.matching * pull * read_scale(self.loss_scale)

    def add_penalty(
        self, gradients: list[tf.Tensor], judged: tf.Tensor, labels: tf.Tensor
    ) -> list[tf.Tensor]:
        """Add those of R1 and R2 at judged pictures (2n, h, w, c) of labels (n, classes), if they are due."""
        interval = self.configuration.penalty_interval
        factor = interval * read_scale(self.loss_scale)
        return add_penalty(
            gradients,
            self.discriminator,
            lambda images: self.judge(images, labels),
            judged,
            lambda: penalty_weight(self.configuration, self.step, self.total_steps) * factor,
            happens=self.step % interval == 0,
        )

    def set_learning_rates(self) -> None:
        """Give both networks' optimisers the rate of this step."""
        rates = learning_rates(self.configuration, self.step, self.total_steps)
        optimizers = (self.generator_optimizer, self.discriminator_optimizer)
        for optimizer, rate in zip(optimizers, rates, strict=True):
            optimizer.learning_rate.assign(rate)

    def train_classifier(self, images: tf.Tensor, labels: tf.Tensor) -> None:
        """Let the classifier, if there is one, learn from real images (n, h, w, c) of labels (n, classes).

        It stops early: if it knew the pictures by heart, so would the discriminator, which sees through it.
        """
        if self.classifier is None:
            return
        classifier, optimizer = self.classifier, self.classifier_optimizer
        steps, rate = self.classifier_steps, float(self.configuration.learning_rate)

        def compute_loss() -> tf.Tensor:
            *_, logits = classifier(images)
            return classification_loss(labels, logits)

        scale = 1.0 if self.loss_scale is None else LESSON_SCALE
        teach(classifier, optimizer, compute_loss, self.step, steps=steps, rate=rate, scale=scale)

    def update_average(self, strategy: tf.distribute.Strategy) -> None:
        """Move the average towards the trained weights, faster at first."""
        settings = self.configuration
        decay = average_decay(self.step, float(settings.average_decay), settings.average_delay)
        update_average(strategy, self.average, self.trained, decay)

    def score(self, images: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
        """Return the logits float32 (n,) of images float32 (n, h, w, c) of classes (n,), as they are."""
        labels = tf.one_hot(tf.cast(classes, tf.int32), self.classes)
        logits, _ = tf.split(self.judge(tf.concat([images, images], 0), labels), 2)
        return tf.reshape(logits, (-1,))

    def finish_generator(self) -> keras.Model:
        """Return the network to draw and export with: the average, its statistics measured anew, float32."""
        count = self.calibration_images
        latents = tf.random.stateless_normal((count, self.configuration.latent_size), CALIBRATION_SEED)
        labels = tf.one_hot(tf.range(count) % max(1, self.classes), self.classes)
        measure_statistics(self.average, [latents, labels] if self.classes else [latents])
        return self.average


def build_optimizer(configuration: ModernConfiguration, network: keras.Model) -> keras.optimizers.Adam:
    """Build Adam (Kingma and Ba, arXiv:1412.6980) with its slots, so that a checkpoint can fill them."""
    rate = float(configuration.learning_rate)
    optimizer = keras.optimizers.Adam(rate, configuration.beta_1, configuration.beta_2)
    optimizer.build(network.trainable_variables)
    return optimizer
