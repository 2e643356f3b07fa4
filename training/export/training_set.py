"""The pictures that a release was trained on, by what its manifest says."""

from foundation.manifest import ImageOutput, Manifest
from training.errors import ConfigurationError
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
