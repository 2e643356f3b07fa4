"""The labels beside an array of pictures: what makes whole numbers of others, and which classes have none."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_NAMED = 5
RENUMBER = (
    "numpy.unique(labels, return_inverse=True) gives class_names and labels of those alone that are there."
)

Labels = NDArray[np.integer[Any]]


def note_unseen(labels: Labels, class_names: tuple[str, ...]) -> tuple[str, ...]:
    """Return a sentence on classes that no picture is of: what is drawn of them later means nothing."""
    seen = set(np.unique(labels).tolist())
    unseen = [name for index, name in enumerate(class_names) if index not in seen]
    if not unseen:
        return ()
    shown = ", ".join(map(ascii, unseen[:MOST_NAMED]))
    more = f" and {len(unseen) - MOST_NAMED:,} more" if len(unseen) > MOST_NAMED else ""
    said = f"No picture is of the classes {shown}{more}, of {len(class_names):,}: they are not learnt"
    return (f"{said}, and what is drawn of them means nothing. {RENUMBER}",)


def advise_labels(labels: NDArray[Any], count: int) -> str:
    """Return a sentence on what makes whole numbers of such labels of `count` pictures; empty if unknown."""
    if labels.ndim == 2 and len(labels) == count:
        said = f" Each picture has {labels.shape[1]}"
        if np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all():
            return f"{said}, of which one is set: numpy.argmax(labels, axis=1) is its class."
        return (
            f"{said}, as where several may be true at once (ChestMNIST), and no class of its own. Save the "
            "archive anew without labels, or with those alone of which one is true: "
            "one = labels.sum(axis=1) == 1; numpy.savez('one.npz', images=images[one], "
            "labels=labels[one].argmax(axis=1))."
        )
    if labels.shape != (count,):
        return ""
    if np.issubdtype(labels.dtype, np.floating) or labels.dtype == np.bool_:
        return " Convert them with labels.astype('int64')."
    if labels.dtype.kind in "SU":
        return " Names become numbers with class_names, labels = numpy.unique(labels, return_inverse=True)."
    return ""
