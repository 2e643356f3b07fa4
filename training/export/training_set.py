"""The pictures that a release was trained on, by what its manifest says."""

from collections.abc import Iterator
from contextlib import contextmanager

from foundation.manifest import ImageOutput, Manifest
from training.errors import ConfigurationError, DataError
from training.presets import parse_configuration
from training.shape import PictureSettings


def find_training_set(
    manifest: Manifest, named: str | None, image: ImageOutput | None = None
) -> tuple[str, PictureSettings]:
    """Return the name of the set, and in what shape its pictures are taken: as `image`, or as it draws.

    `named` is a set that somebody names instead.

    Raises:
        ConfigurationError: neither the person nor the release names one.
    """
    image = image or manifest.image
    shape = {"size": f"{image.width}x{image.height}", "channels": image.channels}
    try:
        trained = parse_configuration(manifest.training["configuration"])
    except (KeyError, TypeError, ValueError):  # imported, or by another Ganymede
        trained = None
    data = named or (trained.data if trained else None)
    if data is None:
        raise ConfigurationError(
            f"{manifest.reference} does not say which pictures it was trained on. Name some like them with "
            "--data."
        )
    settings = PictureSettings.model_validate(shape)
    if trained is None or data != trained.data:
        return data, settings
    return data, trained.model_copy(update={"size": settings.size, "channels": settings.channels})


@contextmanager
def naming_origin(manifest: Manifest, data: str, named: str | None) -> Iterator[None]:
    """Say of a set that cannot be read that the release names it, where nobody else did.

    Raises:
        DataError: what was raised in the block, with where the name is from and what names another.
    """
    try:
        yield
    except DataError as error:
        if named is not None:
            raise
        raise DataError(
            f"{error} {manifest.reference} says that it was trained on {data}: --data names the set where it "
            "is now."
        ) from error
