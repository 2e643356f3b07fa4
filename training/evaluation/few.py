"""Too few pictures to compare drawings with: why there are no more, and what to set or add."""

from math import ceil

from training.config import Configuration
from training.data.pictures import Pictures, count_held_out
from training.metrics import MIN_IMAGES


def explain_few(configuration: Configuration, training: Pictures, test: Pictures) -> str:
    """Return why so few pictures cannot be compared, and what to do; empty where there are enough."""
    learnt, kept = len(training.images), len(test.images)
    if min(learnt, kept) >= MIN_IMAGES:
        return ""
    data, together = f"'{configuration.data}'", learnt + kept
    needed = f"and figures need at least {MIN_IMAGES} to compare with"
    is_whole = training.record is None or training.record.count == together
    if configuration.held_out and is_whole and kept == count_held_out(together, configuration):
        said = f"{data} keeps {kept} of its {together} pictures from training"
        return f"{said} (held_out={configuration.held_out:g}), {needed}. {advise_share(together)}"
    if kept < learnt:
        return f"The test part of {data} has {count_pictures(kept)}, {needed}. Add pictures to it."
    return f"{data} has {count_pictures(learnt)} to train on, {needed}. Add pictures, and train a new run."


def advise_share(count: int) -> str:
    """Return what to do with a set of so many pictures of which too few are held out."""
    if count < MIN_IMAGES:
        return "Train with more pictures."
    none = "--set held_out=0, which learns from all of them and compares with the same"
    if count < 2 * MIN_IMAGES:
        return f"Train with more pictures, or with {none}."
    share = ceil(100 * MIN_IMAGES / count) / 100
    return f"Train with --set held_out={share:g}, with more pictures, or with {none}."


def count_pictures(count: int) -> str:
    """Return `1 picture` or `4 pictures`."""
    return "1 picture" if count == 1 else f"{count:,} pictures"
