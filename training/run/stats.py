"""The figures of an epoch: whole, as a line of stats.jsonl, or so far."""

from pydantic import BaseModel, ConfigDict


class EpochStats(BaseModel):
    """One line of stats.jsonl: the state after `step` batches, losses as means over the epoch, nats."""

    model_config = ConfigDict(frozen=True)

    epoch: int
    step: int
    images: int
    seconds: float
    generator_loss: float
    discriminator_loss: float
    images_per_s: float | None = None
    """Without the batches on which the step was compiled; None where there were no others."""
    figures: dict[str, float] = {}
    """What was measured of the generator after this epoch, if it was."""
    measuring_s: float | None = None
    """How long that took, beside `seconds`."""
    spread: float | None = None
    """How much its drawings' features differ within their classes, where training pictures have 1."""
    variety: float | None = None
    """How much its drawings differ from each other, where real pictures have 1: see `training.run.health`."""
    memory: float | None = None
    """How far pictures that the discriminator never saw are from those it did, on the way to drawn ones."""


class EpochPart(BaseModel):
    """The figures of an epoch's batches so far; kept with an interrupted run, so that none is lost."""

    model_config = ConfigDict(frozen=True)

    step: int
    """Batches since the run's start."""
    batches: int = 0
    images: int = 0
    seconds: float = 0.0
    compiled_images: int = 0
    compiled_seconds: float = 0.0
    """Of these, those of batches on which the step was compiled."""
    loss_sums: tuple[float, float] = (0.0, 0.0)
    """Over the batches: generator, discriminator, nats."""

    @property
    def images_per_s(self) -> float | None:
        """The speed without what was spent on compiling; None where that is all there was."""
        images = self.images - self.compiled_images
        return images / max(self.seconds - self.compiled_seconds, 1e-9) if images else None
