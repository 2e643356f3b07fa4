"""From what a person writes for a class to the weights that a class-conditional generator reads."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foundation.errors import InvalidField
from foundation.manifest import LabelInput

Label = int | str | tuple[float, ...]
"""A class's index, its name (or the index as text, where no class has that name), or weights."""

Weights = NDArray[np.float32]
"""float32 (n, classes); the weights of an image sum to 1."""


_INDEX_DIGITS = 9


def weigh_classes(indices: Sequence[int] | NDArray[np.int64], classes: int) -> Weights:
    """One-hot weights of class indices, float32 (n, classes)."""
    weights: Weights = np.eye(classes, dtype=np.float32)[np.asarray(indices, np.int64)]
    return weights


def weigh_label(label: Label, classes: LabelInput, field: str) -> Weights:
    """The weights that `label` means, float32 (classes,).

    Raises:
        InvalidField: no such class, or weights that are not one per class, finite, ≥ 0 and above 0 in sum.
    """
    count = len(classes.classes)
    if isinstance(label, str):
        if label in classes.classes:  # a class that is called "2" goes before the class number 2
            return _one_hot(classes.classes.index(label), count)
        if not (label.isascii() and label.isdigit() and len(label) <= _INDEX_DIGITS):
            raise InvalidField(field, f"no class {label[:80]!r}; there are {_listed(classes.classes)}")
        label = int(label)
    if isinstance(label, int):
        if not 0 <= label < count:
            raise InvalidField(field, f"the class index must be from 0 to {count - 1}")
        return _one_hot(label, count)
    if len(label) != count:
        raise InvalidField(field, f"give one weight per class, {count} numbers, not {len(label)}")
    if not all(math.isfinite(weight) and weight >= 0 for weight in label) or not 0 < sum(label) < math.inf:
        raise InvalidField(field, "weights must be 0 or more, and not all 0")
    shares = np.asarray(label, np.float64)
    weights: Weights = (shares / shares.sum()).astype(np.float32)
    return weights


def name_labels(weights: Weights, classes: LabelInput) -> tuple[str, ...]:
    """What each row of weights (n, classes) is called: its class, or the blend as `weight·class+…`."""
    return tuple(
        classes.classes[int(row.argmax())]
        if np.count_nonzero(row) == 1
        else "+".join(f"{row[index]:.3g}·{classes.classes[index]}" for index in np.flatnonzero(row))
        for row in weights
    )


def _one_hot(index: int, classes: int) -> Weights:
    weights: Weights = weigh_classes([index], classes)[0]
    return weights


def _listed(names: Sequence[str], limit: int = 20) -> str:
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown}, … ({len(names)} in all)"
