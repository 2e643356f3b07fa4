"""Whether a run that goes on has the pictures it began with.

Which pictures are held out, and where an epoch ends, hang on that.
"""

import numpy as np
from pydantic import ValidationError
from rich.console import Console

from training.config import Configuration
from training.data import Pictures
from training.data.record import SetRecord, record_arrays
from training.errors import RunError
from training.run.folder import Run, replace_text


def keep_class_order(pictures: Pictures, run: Run) -> Pictures:
    """Return the pictures with their classes numbered as the run began with, which may be older than we."""
    if not run.pictures_path.exists():
        return pictures
    names, kept = pictures.shape.class_names, run.read_shape().class_names
    if names == kept or sorted(names) != sorted(kept):
        return pictures
    numbers = np.array([kept.index(name) for name in names], pictures.labels.dtype)
    shape = pictures.shape.model_copy(update={"class_names": kept})
    return Pictures(pictures.images, numbers[pictures.labels], shape, pictures.record)


def require_same_set(
    configuration: Configuration, pictures: Pictures, run: Run, console: Console
) -> SetRecord:
    """Return what the set is known by, and say so where only its pixels have changed.

    Raises:
        RunError: the set has other pictures than the run began with.
    """
    found = pictures.record or record_arrays(pictures.images, pictures.labels, pictures.shape.class_names)
    kept = read_record(run)
    if kept is None:
        require_same_length(configuration, len(pictures.images), run)
        return found
    if kept.count != found.count:
        raise other_set(run, configuration, f"{kept.count} pictures", f"{found.count}")
    if kept.members != found.members:
        raise other_set(
            run, configuration, f"{kept.count} pictures", "as many, but others, or in other classes"
        )
    if kept.is_of_other_pixels(found):
        raise other_set(
            run, configuration, f"{kept.count} pictures", "as many, in the same classes, but others"
        )
    if kept.content != found.content:
        console.print(
            f"The pictures of '{configuration.data}' have the same names and classes as when {run.folder} "
            "began, but not the same pixels: they were changed, or another version of a library decodes "
            "them. The run goes on with them as they are now.",
            highlight=False,
            soft_wrap=True,
            markup=False,
        )
    return found


def require_same_length(configuration: Configuration, images: int, run: Run) -> None:
    """Raise RunError where the epochs of a run from before sets were recorded had another length."""
    stats = run.read_stats()
    if stats and stats[-1].step != stats[-1].epoch * configuration.count_batches(images):
        began = f"epochs of {stats[-1].step / stats[-1].epoch:g} batches"
        raise other_set(run, configuration, began, f"{images} pictures")


def other_set(run: Run, configuration: Configuration, began: str, now: str) -> RunError:
    """Return what is said of a set that has become another."""
    return RunError(
        f"{run.folder} began with {began} of '{configuration.data}'; now there are {now}. Which pictures are "
        "held out, and where an epoch ends, would change, so it does not go on: put the pictures back as "
        "they were, or choose another run folder."
    )


def read_record(run: Run) -> SetRecord | None:
    """Return what the run's set was known by; None for a run from before that was recorded.

    Raises:
        RunError: it is damaged.
    """
    try:
        return SetRecord.model_validate_json(run.set_path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return None
    except (ValidationError, ValueError) as error:
        raise RunError(f"{run.set_path} is damaged. Remove it to go on with the set as it is.") from error


def write_record(run: Run, record: SetRecord) -> None:
    """Write what the set is known by into the run folder."""
    replace_text(run.set_path, record.model_dump_json(indent=2) + "\n")
