"""The pictures that a run never trains on, to notice that its discriminator knows the others by heart."""

from pathlib import Path

from training.config import Configuration
from training.data import Pictures, load_pictures
from training.errors import DataError


def load_held_out(
    configuration: Configuration, data_folder: Path | None, training: Pictures
) -> Pictures | None:
    """Return the test split; None where there is none, or none that could be read, or of another shape."""
    if not configuration.held_out:
        return None
    try:
        pictures = load_pictures(configuration.data, data_folder, "test", configuration)
    except DataError:  # it is a convenience: the run does without
        return None
    return pictures if pictures.shape == training.shape and len(pictures.images) else None
