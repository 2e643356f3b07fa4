"""The training loop: epochs, checkpoints, figures and sample grids, from wherever the run stopped."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.progress import Progress, TaskID

from training.checkpoints import Checkpoints
from training.config import AnyConfiguration
from training.data import Pictures, epoch_batches, load_pictures
from training.errors import DivergenceError
from training.gan import build_gan, label_classes
from training.interruption import stop_requests
from training.precision import choose_precision
from training.progress import describe_epoch, training_progress
from training.run import EpochStats, Run
from training.samples import DrawLatents, write_animation, write_sample

REFRESH_S = 0.5


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """How a call to train ended: whole epochs and batches done so far, and whether it was stopped."""

    epochs: int
    step: int
    interrupted: bool


def train(
    configuration: AnyConfiguration,
    run_folder: Path,
    *,
    data_folder: Path | None,
    draw_latents: DrawLatents,
    console: Console,
) -> TrainingOutcome:
    """Train in `run_folder`, going on from its newest checkpoint; Ctrl-C or SIGTERM saves and returns.

    Raises:
        DataError: the pictures are missing or damaged.
        RunError: the folder holds another run, or cannot be written or restored.
        DivergenceError: a loss is not finite any more.
    """
    pictures = load_pictures(configuration.data, data_folder)
    run = Run(run_folder)
    configuration = settle_precision(configuration, run)
    run.start(configuration, pictures.shape)
    return Training(configuration, run, pictures, draw_latents, console).go_on()


def settle_precision(configuration: AnyConfiguration, run: Run) -> AnyConfiguration:
    """Replace precision `auto` by that of the run to go on with, or by what suits this machine."""
    if configuration.precision != "auto":
        return configuration
    resumed = run.config_path.exists()
    precision = run.read_configuration().precision if resumed else choose_precision()
    return configuration.model_copy(update={"precision": precision})


class Training:
    """A run in memory: the networks, filled from the newest checkpoint, and the figures so far."""

    def __init__(
        self,
        configuration: AnyConfiguration,
        run: Run,
        pictures: Pictures,
        draw_latents: DrawLatents,
        console: Console,
    ) -> None:
        self.configuration = configuration
        self.run = run
        self.pictures = pictures
        self.draw_latents = draw_latents
        self.console = console
        total_steps = configuration.epochs * self.batches_per_epoch
        self.gan = build_gan(configuration, configuration.precision, pictures.shape, total_steps)
        self.checkpoints = Checkpoints(run.checkpoints_folder, self.gan, configuration.checkpoints_kept)
        self.checkpoints.restore()
        # An epoch whose checkpoint was never written is trained, and recorded, again.
        self.stats = [row for row in run.read_stats() if row.step <= self.step]

    @property
    def sample_classes(self) -> int:
        """How many classes the sample grid shows; 0 for a generator that knows none."""
        return len(label_classes(self.configuration, self.pictures.shape))

    @property
    def step(self) -> int:
        """How many batches were trained so far."""
        return int(self.gan.step)

    @property
    def batches_per_epoch(self) -> int:
        """How many batches an epoch has, the last one possibly smaller."""
        return -(-len(self.pictures.images) // self.configuration.batch_size)

    def go_on(self) -> TrainingOutcome:
        """Train the epochs that are left, then write the animation."""
        epochs = self.configuration.epochs
        first_epoch = self.step // self.batches_per_epoch
        if self.step:
            self.console.print(f"Going on after epoch {first_epoch}, batch {self.step}.", highlight=False)
        with training_progress(self.console) as progress, stop_requests() as stopped:
            task = progress.add_task(
                "",
                total=epochs * self.batches_per_epoch,
                completed=self.step,
                epoch=min(first_epoch + 1, epochs),
                epochs=epochs,
                images_per_s=0.0,
                generator_loss=float("nan"),
                discriminator_loss=float("nan"),
            )
            for epoch in range(first_epoch, epochs):
                stats = self.train_epoch(epoch, progress, task, stopped)
                progress.update(
                    task,
                    completed=self.step,
                    images_per_s=stats.images_per_s,
                    generator_loss=stats.generator_loss,
                    discriminator_loss=stats.discriminator_loss,
                )
                if self.step == stats.epoch * self.batches_per_epoch:
                    self.finish_epoch(stats)
                if stopped():
                    return self.stop()
        write_animation(self.run.animation_path, self.run.sample_paths())
        return TrainingOutcome(epochs, self.step, interrupted=False)

    def train_epoch(
        self, epoch: int, progress: Progress, task: TaskID, stopped: Callable[[], bool]
    ) -> EpochStats:
        """Train what is left of one epoch (0 is the first), or less if stopped, and return its figures."""
        settings, first_step = self.configuration, self.step
        batches = epoch_batches(
            self.pictures,
            settings.batch_size,
            settings.buffer_size,
            seed=settings.seed + epoch,
            first_batch=first_step - epoch * self.batches_per_epoch,
        )
        losses, done, images = tf.zeros(2), 0, 0
        start_s = shown_s = time.monotonic()
        for batch, classes in batches:
            losses += self.gan.train_step(batch, classes)
            done += 1
            images += len(batch)
            if stopped():
                break
            if time.monotonic() - shown_s > REFRESH_S:
                shown_s = time.monotonic()
                means = losses.numpy() / done
                progress.update(
                    task,
                    completed=first_step + done,
                    epoch=epoch + 1,
                    images_per_s=images / (shown_s - start_s),
                    generator_loss=means[0],
                    discriminator_loss=means[1],
                )
        means = losses.numpy() / done  # waits for the last step
        seconds = time.monotonic() - start_s
        if not np.isfinite(means).all():
            raise DivergenceError(
                f"The losses of epoch {epoch + 1} are not finite (generator {means[0]}, discriminator "
                f"{means[1]}). The last good checkpoint is {self.checkpoints.newest}; "
                "try a smaller learning_rate."
            )
        return EpochStats(
            epoch=epoch + 1,
            step=first_step + done,
            images=images,
            seconds=round(seconds, 3),
            images_per_s=round(images / seconds, 1),
            generator_loss=float(means[0]),
            discriminator_loss=float(means[1]),
        )

    def finish_epoch(self, stats: EpochStats) -> None:
        """Save the checkpoint first, then the figures and the grid that belong to it."""
        settings = self.configuration
        last = stats.epoch == settings.epochs
        self.stats.append(stats)
        if last or stats.epoch % settings.checkpoint_epochs == 0:
            self.checkpoints.save(stats.step)
        self.run.write_stats(self.stats)
        if last or stats.epoch % settings.sample_epochs == 0:
            path = self.run.sample_path(stats.epoch)
            generator = self.gan.finish_generator()
            write_sample(path, generator, self.draw_latents, settings.latent_size, self.sample_classes)
        if not self.console.is_terminal:
            self.console.print(describe_epoch(stats, settings.epochs), highlight=False, soft_wrap=True)

    def stop(self) -> TrainingOutcome:
        """Save the state between two steps and say how to go on."""
        path = self.checkpoints.save(self.step)
        self.console.print(
            f"Stopped after batch {self.step}; saved {path}. Train in the same run folder to go on.",
            highlight=False,
            soft_wrap=True,
        )
        return TrainingOutcome(self.step // self.batches_per_epoch, self.step, interrupted=True)
