"""What is kept of an epoch when it is whole: its figures, its checkpoint, the best one, its grid."""

from rich.console import Console

from training.activity import Turn, plain
from training.config import Configuration
from training.evaluation.gauge import Measurement
from training.gan import GAN
from training.report import write_report
from training.run.best import BestCheckpoint, keep_best, read_best
from training.run.board import Board
from training.run.checkpoints import Checkpoints
from training.run.curves import write_curves
from training.run.folder import Run
from training.run.patience import explain_end
from training.run.progress import describe_epoch, describe_measuring
from training.run.samples import write_animation, write_sample
from training.run.signs import find_signs
from training.run.stats import EpochPart, EpochStats
from training.watch import Watch


class Recorder:
    """Writes into the run folder; `classes` is 0 for a generator without a label."""

    def __init__(
        self,
        configuration: Configuration,
        run: Run,
        gan: GAN,
        checkpoints: Checkpoints,
        classes: int,
        watch: Watch,
        console: Console,
    ) -> None:
        self.configuration = configuration
        self.run = run
        self.gan = gan
        self.checkpoints = checkpoints
        self.classes = classes
        self.gauge = watch.gauge
        self.console = console
        self.health = watch.health
        self.voice = watch.voice
        self.warned: set[str] = set()
        self.board = Board(run.events_folder)
        # An epoch whose checkpoint was never written is trained, and recorded, again.
        self.stats = [row for row in run.read_stats() if row.step <= int(gan.step.numpy())]

    def record(self, epoch: int, part: EpochPart, turn: Turn = lambda _: None) -> None:
        """Write what belongs to an epoch (1 is the first) of these figures; `turn` is told what is done.

        The figures come first: if the checkpoint then fails, the epoch is trained and recorded again.
        """
        settings = self.configuration
        measured = self.is_measured(epoch, part.seconds)
        sampled = self.is_due(epoch, settings.sample_epochs)
        kept = measured or self.is_due(epoch, settings.checkpoint_epochs)
        generator = None
        if measured or sampled:
            turn(f"After epoch {epoch}: making the generator ready to draw")
            generator = self.gan.finish_generator()
        figures: dict[str, float] = {}
        measurement = None
        if self.gauge and measured:
            turn(f"After epoch {epoch}: measuring {self.gauge.count:,} drawings")
            measurement = self.gauge.measure(generator, settings.latent_size, self.classes)
            figures[self.gauge.figure.name] = measurement.distance
        stats = describe_part(epoch, part, figures, measurement)
        if generator is not None:
            turn(f"After epoch {epoch}: looking for signs of failure")
            health = self.health.measure(self.gan, generator, settings.latent_size, self.classes)
            stats = stats.model_copy(update={name: round(value, 4) for name, value in health.items()})
        self.stats.append(stats)
        self.run.write_stats(self.stats)
        if kept:
            turn(f"After epoch {epoch}: saving a checkpoint")
            self.checkpoints.save(stats.step)
            self.run.unfinished_path.unlink(missing_ok=True)  # of an epoch that nobody goes back into
        for figure, value in figures.items():
            best = BestCheckpoint(step=stats.step, epoch=epoch, figure=figure, value=value)
            if best.beats(read_best(self.run)):
                keep_best(self.run, best)
        self.board.write_stats(stats)
        if sampled:
            turn(f"After epoch {epoch}: drawing samples and curves")
            path = self.run.sample_path(epoch)
            write_sample(path, generator, settings.latent_size, self.classes)
            write_curves(self.run.curves_path, self.stats)
            self.board.write_grid(path, stats.step)
        said = figures or ((kept or sampled) and not self.console.is_terminal)
        if said and (self.voice is None or epoch == settings.epochs or self.voice.tells_epoch()):
            (self.voice.say if self.voice else plain(self.console))(describe_epoch(stats, settings.epochs))
        self.warn()

    def warn(self) -> None:
        """Say once of each sign that something goes wrong."""
        for sign in find_signs(self.stats):
            if sign.name not in self.warned:
                self.warned.add(sign.name)
                self.console.print(str(sign), highlight=False, soft_wrap=True, markup=False)

    def explain_end(self) -> str:
        """Return why the run ends before its length; empty while it goes on."""
        return explain_end(self.stats, self.configuration.patience)

    def finish(self, turn: Turn = lambda _: None) -> None:
        """Write what belongs to the whole run: the animation of its grids, the curves and the report."""
        turn("Writing the animation of the samples, the curves and the report")
        write_animation(self.run.animation_path, self.run.sample_paths())
        write_curves(self.run.curves_path, self.stats)
        write_report(self.run.folder)
        if sentence := describe_measuring(self.stats):
            self.console.print(sentence, highlight=False, soft_wrap=True)

    def is_measured(self, epoch: int, seconds: float) -> bool:
        """Say whether the pictures are measured after an epoch that took `seconds`."""
        if self.gauge is None or not self.is_due(epoch, self.configuration.evaluation_epochs):
            return False
        return epoch == self.configuration.epochs or self.gauge.affords(self.stats, seconds)

    def is_due(self, epoch: int, interval: int) -> bool:
        """Say whether something done every `interval` epochs, and after the last one, is; 0 is never."""
        return interval > 0 and (epoch == self.configuration.epochs or epoch % interval == 0)


def describe_part(
    epoch: int, part: EpochPart, figures: dict[str, float], measurement: Measurement | None
) -> EpochStats:
    """Return the line of stats.jsonl for an epoch whose figures are whole."""
    generator_loss, discriminator_loss = (total / part.batches for total in part.loss_sums)
    return EpochStats(
        epoch=epoch,
        step=part.step,
        images=part.images,
        seconds=round(part.seconds, 3),
        images_per_s=None if part.images_per_s is None else round(part.images_per_s, 1),
        generator_loss=generator_loss,
        discriminator_loss=discriminator_loss,
        figures=figures,
        measuring_s=round(measurement.seconds, 3) if measurement else None,
        spread=round(measurement.spread, 4) if measurement else None,
    )
