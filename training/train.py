"""The training loop: epochs, checkpoints, figures and sample grids, from wherever the run stopped."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import tensorflow as tf
from rich.console import Console

from training.activity import doing
from training.config import Configuration
from training.data import Pictures, epoch_batches, hold_small, load_pictures
from training.launch.beginning import begin_run, require_own_run
from training.launch.choices import describe_set, replace_automatic, say_choices
from training.launch.devices import (
    agree_by_all,
    choose_strategy,
    distribute_step,
    is_chief,
    require_same_step,
)
from training.launch.memory import require_memory
from training.launch.origin import Origin
from training.launch.rewrites import choose_compiler
from training.launch.same_set import keep_class_order
from training.launch.transfer import begin_networks, take_form
from training.networks.precision import has_gpu
from training.presets import build_gan, find_preset, require_drawable
from training.recorder import Recorder
from training.run.checkpoints import Checkpoints
from training.run.claim import claim_run
from training.run.faults import explain_faults, read_batches
from training.run.folder import Run
from training.run.interruption import stop_requests
from training.run.meter import Compilation, LossMeter
from training.run.outcome import TrainingOutcome
from training.run.progress import Bar, describe_stop, training_progress
from training.run.stats import EpochPart
from training.run.voice import Voice
from training.watch import prepare_watch

REFRESH_S = 0.5


def train(
    configuration: Configuration,
    run_folder: Path,
    *,
    data_folder: Path | None,
    console: Console,
    speaks: bool = False,
    origin: Origin | None = None,
) -> TrainingOutcome:
    """Train in `run_folder`, going on from its newest checkpoint; Ctrl-C or SIGTERM saves and returns.

    A run that `speaks` says what it trains on, how long it will take, and off a terminal how far it is.
    Before its first checkpoint it begins with what fits of `origin`. One that is refused writes nothing.

    Raises:
        DataError: the pictures are missing or damaged.
        EvaluationError: the feature network cannot be run.
        ConfigurationError: the networks cannot draw such pictures, or the memory holds no such batch.
        RunError: the folder holds another run, or cannot be written or restored; another worker is gone.
        DivergenceError: a loss or a weight is not finite any more.
    """
    strategy = choose_strategy()  # before anything is computed
    run = Run(run_folder)
    settings = run.keep_colour(configuration)
    pictures = load_pictures(settings.data, data_folder, "train", settings, console)
    asked, configuration = configuration, take_form(configuration, origin, run)
    speaker = console if speaks else Console(quiet=True)
    with doing(speaker, "Choosing what suits the pictures"):
        pictures = hold_small(keep_class_order(pictures, run))
        configuration = replace_automatic(configuration, run, describe_set(pictures))
    require_drawable(configuration, pictures.shape)
    choose_compiler(configuration)
    replicas = strategy.num_replicas_in_sync
    if not has_gpu():
        require_memory(configuration, pictures.shape, replicas)
    if not is_chief(strategy):
        return Training(configuration, run, pictures, console, strategy, origin, voice=None).go_on()
    record = require_own_run(configuration, pictures, run, console)
    say_choices(asked, configuration, console)
    with doing(speaker, "Opening what the pictures are measured by") as turn:
        watch = prepare_watch(configuration, run, pictures, console, data_folder, replicas, speaks=speaks)
        turn("Building the networks")
        training = Training(configuration, run, pictures, console, strategy, origin, voice=watch.voice)
        with explain_faults(configuration, lambda: training.checkpoints.newest):
            run.folder.mkdir(parents=True, exist_ok=True)
            with claim_run(run):  # of a run that another process trains nothing is changed
                begin_run(configuration, pictures, run, record, training.transfer)
            training.recorder = Recorder(
                configuration, run, training.gan, training.checkpoints, training.classes, watch, console
            )
    return training.go_on()


class Training:
    """A run in memory: the networks, filled from the newest checkpoint, and the figures so far."""

    def __init__(
        self,
        configuration: Configuration,
        run: Run,
        pictures: Pictures,
        console: Console,
        strategy: tf.distribute.Strategy,
        origin: Origin | None,
        *,
        voice: Voice | None,
    ) -> None:
        self.configuration = configuration
        self.run = run
        self.pictures = pictures
        self.console = console
        total_steps = configuration.epochs * self.batches_per_epoch
        with strategy.scope():
            self.gan = build_gan(configuration, configuration.precision, pictures.shape, total_steps)
        self.agree = agree_by_all(strategy)
        self.train_step = distribute_step(strategy, self.gan.train_step, configuration)
        self.checkpoints = Checkpoints(run.checkpoints_folder, self.gan, configuration.checkpoints_kept)
        classes = find_preset(configuration.preset).label_classes(pictures.shape)
        self.classes = len(classes)
        self.transfer = begin_networks(self.gan, self.checkpoints, origin, classes, self.say)
        require_same_step(strategy, self.step)
        self.recorder: Recorder | None = None
        self.voice = voice
        self.compilation = Compilation(voice.say if voice else None)

    @property
    def step(self) -> int:
        """How many batches were trained so far."""
        return int(self.gan.step.numpy())

    @property
    def batches_per_epoch(self) -> int:
        """How many batches an epoch of the run's pictures has."""
        return self.configuration.count_batches(len(self.pictures.images))

    def go_on(self) -> TrainingOutcome:
        """Train the epochs that are left, then write what belongs to the whole run.

        Raises:
            RunError: another process trains in the folder.
        """
        epochs = self.configuration.epochs
        first_epoch = self.step // self.batches_per_epoch
        if self.step:
            self.say(f"Going on after epoch {first_epoch}, batch {self.step}.")
        elif self.recorder and self.run.stats_path.exists():
            self.say("There is no checkpoint yet: the run begins with epoch 1 again.")
        claim = claim_run(self.run) if self.recorder else nullcontext()
        with claim, training_progress(self.console) as progress, stop_requests() as stopped:
            bar = Bar(progress, self.step, epochs, self.batches_per_epoch, self.voice)
            with explain_faults(self.configuration, lambda: self.checkpoints.newest):
                for epoch in range(first_epoch, epochs):
                    if self.ends_early():
                        break
                    part = self.train_epoch(epoch, bar, stopped)
                    if part.step == (epoch + 1) * self.batches_per_epoch:
                        if self.recorder:
                            with bar.doing(f"After epoch {epoch + 1}") as turn:
                                self.recorder.record(epoch + 1, part, turn)
                        part = EpochPart(step=part.step)
                    if self.agree(stopped()):
                        return self.stop(part)
                if self.recorder:
                    with bar.doing("Ending the run") as turn:
                        self.recorder.finish(turn)
        return TrainingOutcome(epochs, self.step, interrupted=False)

    def train_epoch(self, epoch: int, bar: Bar, stopped: Callable[[], bool]) -> EpochPart:
        """Train what is left of one epoch (0 is the first), or less if stopped, and return its figures.

        Raises:
            NotFiniteError: a loss is NaN or infinite.
            DataError: a batch cannot be read.
        """
        settings = self.configuration
        meter = LossMeter(self.run.read_unfinished(self.step), self.compilation)
        batches = epoch_batches(
            self.pictures,
            settings.batch_size,
            settings.buffer_size,
            seed=settings.seed + epoch,
            first_batch=self.step - epoch * self.batches_per_epoch,
        )
        shown_s = time.monotonic()
        for batch, classes in read_batches(batches, settings.data, self.step):
            compiles = meter.begin(len(batch))
            with bar.doing("Compiling", said=True) if compiles else nullcontext():
                losses = self.train_step(batch, classes)
            meter.add(losses, len(batch))
            if self.agree(stopped()):
                break
            if time.monotonic() - shown_s > REFRESH_S:
                shown_s = time.monotonic()
                bar.show(epoch + 1, meter.tally())
        part = meter.tally()
        bar.show(epoch + 1, part)
        return part

    def ends_early(self) -> bool:
        """Say whether all workers end before the run's length, because its figure gets no better."""
        reason = self.recorder.explain_end() if self.recorder else ""
        if reason:
            self.say(reason)
        return self.agree(bool(reason))

    def say(self, sentence: str) -> None:
        """Print a sentence as it is: a folder may be called [b]."""
        self.console.print(sentence, highlight=False, soft_wrap=True, markup=False)

    def stop(self, part: EpochPart) -> TrainingOutcome:
        """Save the state between two steps, and the figures of the epoch so far, and say how to go on."""
        if self.recorder:
            path = self.checkpoints.save(self.step)
            self.run.write_unfinished(part)
            self.say(describe_stop(self.step, path))
        return TrainingOutcome(self.step // self.batches_per_epoch, self.step, interrupted=True)
