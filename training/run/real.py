"""Training pictures laid out as the sample grids are, to be looked at beside them."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.run.samples import CLASS_COLUMNS, SAMPLE_COLUMNS, SAMPLE_SCALE, SAMPLE_SEEDS, tile
from training.shape import MAX_CLASS_ROWS

SEED = 2


def write_real(path: Path, images: NDArray[np.uint8], labels: NDArray[np.integer[Any]], classes: int) -> None:
    """Write a grid of training pictures as PNG: sixteen, or a row of ten for each of `classes`.

    `images` are uint8 (n, h, w, c) of labels (n,). The pictures are drawn by lot, always the same; of a class
    with fewer than ten the rest of the row is blank.
    """
    order = np.random.Generator(np.random.Philox(SEED)).permutation(len(images))
    if not classes:
        chosen = images[np.sort(order[: len(SAMPLE_SEEDS)])]
        tile(np.asarray(chosen), SAMPLE_COLUMNS, SAMPLE_SCALE).save(path)
        return
    grid = np.zeros((min(classes, MAX_CLASS_ROWS), CLASS_COLUMNS, *images.shape[1:]), np.uint8)
    for row, cells in enumerate(grid):
        rows = order[labels[order] == row][:CLASS_COLUMNS]
        cells[: len(rows)] = images[np.sort(rows)]
    tile(grid.reshape(-1, *images.shape[1:]), CLASS_COLUMNS, SAMPLE_SCALE).save(path)
