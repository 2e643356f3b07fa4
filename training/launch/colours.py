"""Layers that touch the picture, made to fit other colours: grey, colour, colour with transparency.

What judges is to see in a picture what it would have seen had it been of the old colours, and a generator is
to draw what it drew. All of it is linear: grey is the sum of colours that Pillow takes, and what is in part
transparent is what it is on white (Porter and Duff, "Compositing digital images", 1984).
"""

import numpy as np
from numpy.typing import NDArray

LUMA = (0.299, 0.587, 0.114)
"""ITU-R BT.601: how `convert("L")` weighs red, green and blue."""
OPAQUE = 2.0
"""Before the hyperbolic tangent: 0.96, from where an alpha still learns."""
PLACES = (1, 4)
"""A layer sees a picture as it is, or two by two pixels of it as one."""

Floats = NDArray[np.float32]


def see_as(old: int, new: int) -> tuple[Floats, Floats]:
    """Return what turns `new` channels into the `old` that a network knows: (old, new), an offset (old,).

    Channels are in [-1, 1]; of four the colours are multiplied by the last.
    """
    luma = np.array([LUMA], np.float32)
    # To the three colours of an opaque picture.
    matrix, offset = {
        1: (np.ones((3, 1)), np.zeros(3)),
        3: (np.eye(3), np.zeros(3)),
        4: (np.hstack([np.eye(3), -np.ones((3, 1))]), np.ones(3)),
    }[new]
    if old == 1:
        matrix, offset = luma @ matrix, luma @ offset
    elif old == 4:  # nothing of it is transparent
        matrix, offset = np.vstack([matrix, np.zeros((1, new))]), np.append(offset, 1.0)
    return matrix.astype(np.float32), offset.astype(np.float32)


def draw_as(old: int, new: int) -> tuple[Floats, Floats]:
    """Return what turns the `old` channels that a network draws into `new`: (new, old), an offset (new,)."""
    luma = np.array([LUMA], np.float32)
    matrix = {1: np.ones((3, 1)), 3: np.eye(3), 4: np.eye(3, 4)}[old]  # to three colours
    offset = np.zeros(new)
    if new == 1:
        matrix = luma @ matrix
    elif new == 4:
        matrix, offset[3] = np.vstack([matrix, np.zeros((1, old))]), OPAQUE
    return matrix.astype(np.float32), offset.astype(np.float32)


def fit_colours(kernel: Floats, bias: Floats, shape: tuple[int, ...]) -> tuple[Floats, Floats] | None:
    """Return kernel and bias of a convolution as they are for pictures of other colours.

    `kernel` (h, w, in, out) is to be of `shape`; None where what differs are not a picture's channels.
    """
    if kernel.ndim != 4 or len(shape) != 4:
        return None
    sides = [side for side in range(4) if kernel.shape[side] != shape[side]]
    if len(sides) != 1:
        return None
    (side,) = sides
    before, after = kernel.shape[side], shape[side]
    if side == 3 and {before, after} <= {1, 3, 4}:
        matrix, offset = draw_as(before, after)
        return kernel @ matrix.T, matrix @ bias + offset
    for places in PLACES if side == 2 else ():
        old, new = before // places, after // places
        if (old * places, new * places) != (before, after) or not {old, new} <= {1, 3, 4}:
            continue
        matrix, offset = see_as(old, new)
        height, width, _, filters = kernel.shape
        parts = kernel.reshape(height, width, places, old, filters)
        seen = np.einsum("hwpof,on->hwpnf", parts, matrix).reshape(height, width, after, filters)
        # At the edges, where there are zeros beside the picture, the offset is a little too much.
        return seen, bias + np.einsum("hwpof,o->f", parts, offset)
    return None
