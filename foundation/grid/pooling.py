"""Averages of two, four or sixteen neighbours, which are exact: a sum, and a shift of the point."""

import numpy as np
import onnx

from foundation.grid.channels import reduce_unit
from foundation.grid.demands import Demand
from foundation.grid.extents import Extent
from foundation.grid.movement import Array, read_attributes
from foundation.grid.sides import conv_sides


def count_neighbours(node: onnx.NodeProto, sides: tuple[int, ...]) -> Array:
    """Of how many numbers each of an AveragePool's answers is the mean: (h, w), powers of two.

    Raises:
        ValueError: some are no powers of two, or what it averages depends on more.
    """
    given = read_attributes(node)
    kernel = tuple(given["kernel_shape"])
    if given.get("ceil_mode", 0) or any(gap != 1 for gap in given.get("dilations", [])):
        raise ValueError("it rounds sides up, or averages numbers that are no neighbours")
    pads, strides = given.get("pads", [0] * 2 * len(sides)), given.get("strides", [1] * len(sides))
    counts: Array = np.ones(())
    wanted = conv_sides(given, sides, kernel)
    for axis, (side, size, length) in enumerate(zip(sides, kernel, wanted, strict=True)):
        starts = np.arange(length) * strides[axis] - pads[axis]
        seen = np.minimum(starts + size, side) - np.maximum(starts, 0)
        if given.get("count_include_pad", 0):
            seen = np.full(length, size)
        counts = counts[..., None] * seen
    if (counts < 1).any() or np.any(np.log2(counts) % 1):
        raise ValueError("it averages so many numbers that the mean may round; two, four or sixteen do not")
    return counts


def demand_mean(node: onnx.NodeProto, unit: Array, shape: tuple[int, ...]) -> Demand:
    """What a mean in `unit` needs of what goes in, of `shape`: that it is rounded, as it gets more bits.

    Raises:
        ValueError: the mean may round, or would need several units at once.
    """
    count_neighbours(node, shape[2:])
    by_channel = reduce_unit(unit, (*unit.shape[:2], *(1,) * (unit.ndim - 2)))
    own = np.broadcast_to(by_channel, shape)
    return Demand(own, fraction=np.zeros(shape))


def average_extent(node: onnx.NodeProto, given: Extent) -> Extent:
    """Behind an AveragePool of (1, c, h, w).

    Raises:
        ValueError: it may round.
    """
    if given.is_any:
        raise ValueError("numbers on no grid are added")
    counts = count_neighbours(node, given.low.shape[2:])
    shape = (*given.low.shape[:2], *counts.shape)
    axes = tuple(range(2, given.low.ndim))
    low, high = np.minimum(given.low.min(axes), 0), np.maximum(given.high.max(axes), 0)
    bits = given.bits.max(axes) + int(np.log2(counts.max()))
    lined = [each.reshape(*shape[:2], *(1,) * counts.ndim) for each in (low, high, bits)]
    return Extent(*(np.broadcast_to(each, shape) for each in lined))
