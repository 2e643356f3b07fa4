"""Units of what layers compute, such that their greatest sums come just below 2²⁴: no bit is lost.

Weights lie on grids of powers of two, so a channel whose sums may reach 9 million steps, no finer grid being
possible, uses half of its numbers. A unit up to half as large fills them.
"""

from collections.abc import Mapping

import numpy as np

from foundation.grid.calibration import Range
from foundation.grid.channels import BELOW, Channels
from foundation.grid.demands import Room
from foundation.grid.extents import LIMIT
from foundation.grid.linear import bound_sums, read_linear
from foundation.grid.movement import Array

_ROOM = 0.97
"""Of the limit: weights fitted to what really goes in differ a little."""


def fill_sums(channels: Channels, ranges: Mapping[str, Range], name: str, unit: Array, room: Room) -> Array:
    """`unit` (1, …) of a convolution's answers, each up to half as large, equal where it was equal."""
    layer = channels.find_layer(name)
    if layer is None or layer[0].op_type != "Conv" or layer[0].input[0] in channels.given:
        return unit
    node, ids = layer
    linear, read = read_linear(node, channels.graph.constants), ranges[node.input[0]]
    axes = tuple(axis for axis in range(read.low.ndim) if axis != linear.axis)
    below = BELOW if channels.is_leaky(node.input[0]) else 1.0
    low, high = read.low.min(axes), read.high.max(axes)
    reach = np.maximum(np.maximum(-low / below, high), 1e-12)  # what takes all bits of a channel
    bottom, top = float((low / reach).min()), float((high / reach).max())  # one bound holds for all channels
    least, most = bound_sums(linear, linear.weights, None, bottom * reach, top * reach)
    bound = np.maximum(np.maximum(-least, most), 1e-30)
    _, groups = np.unique(unit, return_inverse=True)
    groups = np.asarray(groups).reshape(unit.shape)
    limit = room.limits.get(node.output[0], LIMIT) * _ROOM
    left = np.log2(limit * _first(unit, ids, len(bound)) / bound)
    members = _first(groups, ids, len(bound))
    filled = np.array(unit)
    for group in np.unique(members):
        lost = left[members == group] % 1
        shifts = np.append(lost, 0.0)
        cost = [np.mean(4.0 ** ((lost - shift) % 1)) for shift in shifts]
        filled[groups == group] *= 2.0 ** -shifts[int(np.argmin(cost))]
    return filled


def _first(values: Array, ids: Array, count: int) -> Array:
    """Of each channel one of its values: (count,)."""
    found = np.zeros(count, values.dtype)
    found[np.broadcast_to(ids, values.shape).ravel()] = values.ravel()
    return found
