"""Whether a set of pictures may be mirrored: whether the set mirrored is like the set.

A picture less its mirror image is what mirroring changes. Where pictures face either way as often, that is
zero in the mean; where they face one way (letters, shoes that point left), the mean holds much of it.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

LOOKED_AT = 4000
"""Pictures of a set, evenly chosen."""
CELLS = 16
"""A picture is averaged down to so many cells each way."""
LARGEST_SHARE = 0.05
"""Of what mirroring changes, in the mean of a class: photographs of things that face either way have less."""


LEAST_PAIRS = 20
"""Pictures that have others of their class beside them: fewer do not tell which way such things face."""


def bears_mirror(images: NDArray[np.uint8], labels: NDArray[np.integer[Any]]) -> bool:
    """Say whether images uint8 (n, h, w, c) of labels (n,) face either way as often, class by class."""
    return bool(measure_handedness(images, labels) <= LARGEST_SHARE)


def measure_handedness(images: NDArray[np.uint8], labels: NDArray[np.integer[Any]]) -> float:
    """Return the share of what mirroring changes that is in a class's mean, less what chance puts there.

    It is 0 for a set that faces either way, and 1 for one of equal pictures that face one way, or of too few
    to tell.
    """
    rows = np.unique(np.linspace(0, len(images) - 1, min(LOOKED_AT, len(images))).astype(np.int64))
    small = np.stack([average_cells(images[row]) for row in rows])  # (k, 16, 16, c)
    changed = (small - small[:, :, ::-1]).reshape(len(rows), -1)
    energy = float(np.square(changed).sum())
    if not energy:
        return 0.0  # every picture is its own mirror image
    classes, members = np.unique(np.asarray(labels)[rows], return_inverse=True)
    if len(rows) - len(classes) < LEAST_PAIRS:
        return 1.0
    sums = np.zeros((len(classes), changed.shape[1]))
    np.add.at(sums, members, changed)
    counts = np.bincount(members)
    together = float((np.square(sums).sum(1) / counts).sum())
    by_chance = sum(
        float(np.square(changed[members == index]).sum()) / count for index, count in enumerate(counts)
    )
    return max(0.0, float(together - by_chance) / energy)


def average_cells(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Average an image (h, w, c) over at most 16 by 16 cells that lie evenly: float64 (16, 16, c)."""
    height, width, _ = image.shape
    rows = np.arange(height) * min(CELLS, height) // height
    columns = np.arange(width) * min(CELLS, width) // width
    sums = np.zeros((rows[-1] + 1, columns[-1] + 1, image.shape[2]))
    np.add.at(sums, (rows[:, None], columns[None]), image.astype(np.float64))
    cells: NDArray[np.float64] = sums / (np.bincount(rows)[:, None] * np.bincount(columns))[..., None]
    return cells
