"""What is kept of an epoch when it is whole: its figures, its checkpoint, the best one, its grid."""

from rich.console import Console

from training.config import Configuration
from training.evaluation.gauge import Gauge
from training.gan import GAN
from training.report import write_report
from training.run.best import BestCheckpoint, keep_best, read_best
from training.run.board import Board
from training.run.checkpoints import Checkpoints
from training.run.curves import write_curves
from training.run.folder import Run
from training.run.progress import describe_epoch
from training.run.samples import write_animation, write_sample
from training.run.stats import EpochPart, EpochStats


class Recorder:
    """Writes into the run folder; `classes` is 0 for a generator without a label, `gauge` may be None."""

    def __init__(
        self,
        configuration: Configuration,
        run: Run,
        gan: GAN,
        checkpoints: Checkpoints,
        classes: int,
        gauge: Gauge | None,
        console: Console,
    ) -> None:
        self.configuration = configuration
        self.run = run
        self.gan = gan
        self.checkpoints = checkpoints
        self.classes = classes
        self.gauge = gauge
        self.console = console
        self.board = Board(run.events_folder)
        # An epoch whose checkpoint was never written is trained, and recorded, again.
        self.stats = [row for row in run.read_stats() if row.step <= int(gan.step.numpy())]

    def record(self, epoch: int, part: EpochPart) -> None:
        """Write what belongs to an epoch (1 is the first) of these figures.

        The figures come first: if the checkpoint then fails, the epoch is trained and recorded again.
        """
        settings = self.configuration
        measured = self.gauge is not None and self.is_due(epoch, settings.evaluation_epochs)
        sampled = self.is_due(epoch, settings.sample_epochs)
        generator = self.gan.finish_generator() if measured or sampled else None
        figures: dict[str, float] = {}
        if self.gauge and measured:
            figures[self.gauge.figure.name] = self.gauge.measure(
                generator, settings.latent_size, self.classes
            )
        stats = describe_part(epoch, part, figures)
        self.stats.append(stats)
        self.run.write_stats(self.stats)
        if measured or self.is_due(epoch, settings.checkpoint_epochs):
            self.checkpoints.save(stats.step)
            self.run.unfinished_path.unlink(missing_ok=True)  # of an epoch that nobody goes back into
        for figure, value in figures.items():
            best = BestCheckpoint(step=stats.step, epoch=epoch, figure=figure, value=value)
            if best.beats(read_best(self.run)):
                keep_best(self.run, best)
        self.board.write_stats(stats)
        if sampled:
            path = self.run.sample_path(epoch)
            write_sample(path, generator, settings.latent_size, self.classes)
            write_curves(self.run.curves_path, self.stats)
            self.board.write_grid(path, stats.step)
        if figures or not self.console.is_terminal:
            self.console.print(describe_epoch(stats, settings.epochs), highlight=False, soft_wrap=True)

    def finish(self) -> None:
        """Write what belongs to the whole run: the animation of its grids, the curves and the report."""
        write_animation(self.run.animation_path, self.run.sample_paths())
        write_curves(self.run.curves_path, self.stats)
        write_report(self.run.folder)

    def is_due(self, epoch: int, interval: int) -> bool:
        """Say whether something done every `interval` epochs, and after the last one, is; 0 is never."""
        return interval > 0 and (epoch == self.configuration.epochs or epoch % interval == 0)


def describe_part(epoch: int, part: EpochPart, figures: dict[str, float]) -> EpochStats:
    """Return the line of stats.jsonl for an epoch whose figures are whole."""
    generator_loss, discriminator_loss = (total / part.batches for total in part.loss_sums)
    return EpochStats(
        epoch=epoch,
        step=part.step,
        images=part.images,
        seconds=round(part.seconds, 3),
        images_per_s=round(part.images / part.seconds, 1),
        generator_loss=generator_loss,
        discriminator_loss=discriminator_loss,
        figures=figures,
    )
