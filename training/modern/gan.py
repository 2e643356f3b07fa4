"""The preset `modern`: its networks, and the step that trains them.

A generator, its average and a discriminator, and where there are classes two classifiers: one through which
the discriminator sees, and an observer.
"""

import keras
import tensorflow as tf

from training.config import Precision
from training.modern.calibration import measure_statistics
from training.modern.class_means import ClassMeans
from training.modern.configuration import ModernConfiguration
from training.modern.discriminator import build_classifier, build_discriminator
from training.modern.generator import build_generator
from training.modern.lessons import teach
from training.modern.losses import generator_ratio, gradient_penalty, pairing_loss
from training.modern.observer import Observer
from training.modern.schedule import learning_rates, penalty_weight, plan_observer
from training.networks.augment import augment, draw_changes
from training.networks.replicas import count_replicas, replica_mean, replica_share
from training.shape import PictureShape

CALIBRATION_IMAGES = 2048
CALIBRATION_SEED = (0x6A6E, 0x796D)
AUGMENTATION_SEED = 2**31
"""Added to the run's seed, so that latents and changes have nothing in common."""


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

        `total_steps` is the length of the whole run, on which the learning rate depends.
        """
        super().__init__()
        keras.utils.set_random_seed(configuration.seed)
        self.configuration = configuration
        self.classes = len(shape.class_names) if len(shape.class_names) > 1 else 0
        # A run from before there was augmentation has it still to be chosen: it went without.
        self.augmentation = 0.0 if configuration.augmentation == "auto" else configuration.augmentation
        self.total_steps = total_steps
        sizes = (configuration.latent_size, self.classes, shape.size, shape.channels, configuration.width)
        detailed = configuration.detailed
        self.trained = build_generator(*sizes, policy, configuration.seed, detailed=detailed)
        # Yazıcı et al., arXiv:1806.04498: the average of the weights draws better pictures than the last.
        self.average = build_generator(*sizes, "float32", configuration.seed, detailed=detailed)
        self.average.set_weights(self.trained.get_weights())
        self.classifier: keras.Model | None = None
        self.classifier_steps = total_steps * configuration.classifier_epochs // configuration.epochs
        judged = (self.classes, shape.size, shape.channels, policy)
        seen: list[tuple[int, int, int]] = []
        if self.classes and configuration.classifier_epochs:
            self.classifier = build_classifier(*judged, configuration.seed + 2)
            self.classifier_optimizer = build_optimizer(configuration, self.classifier)
            seen = [features[1:] for features in self.classifier.output_shape[:-1]]
        self.discriminator = build_discriminator(
            *judged, configuration.seed + 1, seen=seen, detailed=detailed
        )
        self.class_means: ClassMeans | None = None
        if self.classes and configuration.matching and configuration.settle:
            observer = Observer(*judged, seed=configuration.seed + 3)
            self.class_means = ClassMeans(observer, self.classes, plan_observer(configuration, total_steps))
        self.generator_optimizer = build_optimizer(configuration, self.trained)
        self.discriminator_optimizer = build_optimizer(configuration, self.discriminator)
        self.step = tf.Variable(
            0, dtype=tf.int64, trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA
        )

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]  # as above
    def train_step(self, images: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
        """Train on images float32 (n, h, w, c) in [-1, 1] of classes int (n,).

        Returns the losses before the step, float32 (2,): generator, discriminator, in nats.
        """
        together = tf.shape(images)[0]
        latents = replica_share(self.draw_noise(together))  # (n, Z)
        images, classes = replica_share(images), replica_share(classes)
        labels = tf.one_hot(tf.cast(classes, tf.int32), self.classes)  # (n, classes)
        with tf.GradientTape() as generator_tape:
            generated = self.trained(self.join(latents, labels), training=True)
        with tf.GradientTape() as tape:
            tape.watch(generated)
            judged = self.augment(tf.concat([images, generated], 0), together)  # (2n, h, w, c)
            logits = self.judge(judged, labels)
            real_logits, generated_logits = tf.split(logits, 2)
            loss_d = pairing_loss(real_logits, generated_logits)
            share_d = loss_d / count_replicas()
        weights_d = self.discriminator.trainable_variables
        gradients_d, gradient_image = tape.gradient(share_d, [weights_d, generated])
        # One pass back serves both networks: what it means to the generator differs by a factor a picture.
        gradient_image *= generator_ratio(real_logits, generated_logits)[:, :, None, None]
        if self.class_means:
            pull = self.class_means.match(images, generated, labels, together=together, step=self.step)
            gradient_image += self.configuration.matching * pull
        weights_g = self.trained.trainable_variables
        gradients_g = generator_tape.gradient(generated, weights_g, output_gradients=gradient_image)
        gradients_d = self.add_penalty(gradients_d, judged, labels)
        self.set_learning_rates()
        if self.classifier:
            self.train_classifier(self.classifier, images, labels)
        self.discriminator_optimizer.apply(gradients_d, weights_d)
        self.generator_optimizer.apply(gradients_g, weights_g)
        tf.distribute.get_replica_context().merge_call(self.update_average)
        self.step.assign_add(tf.constant(1, tf.int64))
        loss_g = pairing_loss(generated_logits, real_logits)
        return replica_mean(tf.stack([loss_g, loss_d]))

    def join(self, inputs: tf.Tensor, labels: tf.Tensor) -> tf.Tensor | list[tf.Tensor]:
        """Return what a network is called with: the labels beside the inputs, if there are classes."""
        return [inputs, labels] if self.classes else inputs

    def judge(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Return the logits (2n, 1) of images (2n, h, w, c), both halves of classes (n, classes)."""
        judged = self.join(images, tf.concat([labels, labels], 0))
        if self.classifier:
            *seen, _ = self.classifier(images)
            judged = [*judged, *seen]
        return self.discriminator(judged, training=True)

    def train_classifier(self, classifier: keras.Model, images: tf.Tensor, labels: tf.Tensor) -> None:
        """Let the classifier learn from real images (n, h, w, c) of labels (n, classes).

        It stops early: if it knew the pictures by heart, so would the discriminator, which sees through it.
        """

        def compute_loss() -> tf.Tensor:
            *_, logits = classifier(images)
            return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels, logits))

        steps, rate = self.classifier_steps, self.configuration.learning_rate
        teach(classifier, self.classifier_optimizer, compute_loss, self.step, steps=steps, rate=rate)

    def augment(self, images: tf.Tensor, together: tf.Tensor) -> tf.Tensor:
        """Change images (2n, h, w, c), real and generated, by chance, from seed and step alone.

        All replicas `together` have so many real ones; what is drawn is drawn for them all.
        """
        if self.augmentation == 0.0:
            return images
        seed = tf.stack([tf.constant(self.configuration.seed + AUGMENTATION_SEED, tf.int64), self.step])
        halves = tf.split(draw_changes(2 * together, seed), 2)  # (n, 10) of all replicas, twice
        draws = tf.concat([replica_share(half) for half in halves], 0)  # (2n, 10)
        return augment(images, self.augmentation, draws)

    def add_penalty(
        self, gradients: list[tf.Tensor], judged: tf.Tensor, labels: tf.Tensor
    ) -> list[tf.Tensor]:
        """Add R1 and R2 to the discriminator's gradients, lazily: Karras et al., arXiv:1912.04958.

        They are of the pictures as it saw them, changed or not: `judged` (2n, h, w, c).
        """
        interval = self.configuration.penalty_interval
        weights = self.discriminator.trainable_variables

        def penalise() -> list[tf.Tensor]:
            with tf.GradientTape() as tape:
                # The mean over both halves is half of R1 plus half of R2.
                squares = gradient_penalty(
                    lambda images: self.judge(images, labels), tf.stop_gradient(judged)
                )
                weight = penalty_weight(self.configuration, self.step, self.total_steps)
                loss = weight * interval * squares / count_replicas()
            extra = tape.gradient(loss, weights)
            return [
                # The last bias has no part in the gradient by the image.
                gradient if more is None else gradient + more
                for gradient, more in zip(gradients, extra, strict=True)
            ]

        return [*tf.cond(self.step % interval == 0, penalise, lambda: gradients)]

    def set_learning_rates(self) -> None:
        """Give both networks' optimisers the rate of this step."""
        rates = learning_rates(self.configuration, self.step, self.total_steps)
        optimizers = (self.generator_optimizer, self.discriminator_optimizer)
        for optimizer, rate in zip(optimizers, rates, strict=True):
            optimizer.learning_rate.assign(rate)

    def update_average(self, strategy: tf.distribute.Strategy) -> None:
        """Move the average towards the trained weights, faster at first."""
        step = tf.cast(self.step, tf.float32)
        delay = self.configuration.average_delay
        decay = tf.minimum(self.configuration.average_decay, (1.0 + step) / (delay + step))
        for mean, weight in zip(
            self.average.trainable_variables, self.trained.trainable_variables, strict=True
        ):
            strategy.extended.update(
                mean.value,
                lambda mean, weight: mean.assign(mean + (1.0 - decay) * (weight - mean)),
                args=(weight.value,),
            )

    def draw_noise(self, count: tf.Tensor) -> tf.Tensor:
        """Draw this step's latents float32 (count, Z), standard normal, from seed and step alone."""
        seed = tf.stack([tf.constant(self.configuration.seed, tf.int64), self.step])
        return tf.random.stateless_normal((count, self.configuration.latent_size), seed)

    def finish_generator(self) -> keras.Model:
        """Return the network to draw and export with: the average, its statistics measured anew, float32."""
        shape = (CALIBRATION_IMAGES, self.configuration.latent_size)
        latents = tf.random.stateless_normal(shape, CALIBRATION_SEED)
        labels = tf.one_hot(tf.range(CALIBRATION_IMAGES) % max(1, self.classes), self.classes)
        measure_statistics(self.average, [latents, labels] if self.classes else [latents])
        return self.average


def build_optimizer(configuration: ModernConfiguration, network: keras.Model) -> keras.optimizers.Adam:
    """Build Adam (Kingma and Ba, arXiv:1412.6980) with its slots, so that a checkpoint can fill them."""
    optimizer = keras.optimizers.Adam(configuration.learning_rate, configuration.beta_1, configuration.beta_2)
    optimizer.build(network.trainable_variables)
    return optimizer
