"""Means and quotients in whole numbers: what is above and below the line, until it is rounded."""

import numpy as np

from tests.exact.whole_numbers import align, known, reduce, small


def is_ratio(*values):
    """Whether one of them is a quotient."""
    return any(isinstance(each, tuple) and isinstance(each[0], str) and each[0] == "ratio" for each in values)


def on_ratios(kind, inputs):
    """Quotients of whole numbers, above and below the line, until they are rounded."""
    if kind == "Div":
        one, other, _ = align(*inputs)
        return "ratio", one, other
    ((_, above, below),) = [each for each in inputs if is_ratio(each)]
    rest = [known(each) for each in inputs if not is_ratio(each)]
    if kind == "Round":
        floor, left = above // below, above % below
        return floor + ((2 * left > below) | ((2 * left == below) & (floor % 2 == 1))), 0
    if kind == "Clip":
        ends = [np.ldexp(whole, -t).astype(np.int64) for whole, t in rest]
        return "ratio", np.clip(above, ends[0] * below, ends[1] * below), below
    ((whole, t),) = rest
    assert t >= 0
    if kind == "Mul":
        return "ratio", small(above * whole), below << t
    assert kind == "Add"
    return "ratio", small((above << t) + whole * below), below << t


def average(kind, inputs, attributes):
    """Of so many that are there: one, two or four."""
    whole, t = inputs[0]
    (down, right), (top, left, bottom, end) = attributes["kernel_shape"], attributes["pads"]
    assert attributes["strides"] == [1, 1]
    assert not attributes["count_include_pad"]
    around = ((0, 0), (0, 0), (top, bottom), (left, end))
    padded, there = np.pad(whole, around), np.pad(np.ones_like(whole), around)
    height, width = padded.shape[2] - down + 1, padded.shape[3] - right + 1
    places = [(row, column) for row in range(down) for column in range(right)]
    total, count = (
        sum(each[:, :, row : row + height, column : column + width] for row, column in places)
        for each in (padded, there)
    )
    assert not np.any(4 % count)
    return reduce((total * (4 // count), t + 2))
