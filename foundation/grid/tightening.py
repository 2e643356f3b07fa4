"""Where what goes into a convolution is bounded: rare peaks cost every other number a part of its bits.

A bound below the greatest adds the noise of what it cuts off, and takes some of that of rounding, of what
goes in and of the weights alike. The least sum of the two is found by trying (Banner et al., "Post-training
4-bit quantization of convolution networks for rapid-deployment", 2019).
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import onnx

from foundation.grid.bits import BOUNDED, weigh_bits
from foundation.grid.calibration import Feeds, Range, run_to
from foundation.grid.channels import BELOW
from foundation.grid.extents import LIMIT
from foundation.grid.linear import Linear, read_linear
from foundation.grid.movement import Array, read_attributes
from foundation.grid.reading import Graph

_CUT_SHARES = tuple(10.0**power for power in np.arange(-7.0, -4.4, 0.25))
"""Of a channel's mean square, what the bound may cut off."""
_PEAK_SHARE = 0.02
"""Of the numbers, the greatest, among which bounds are looked for."""
_SIDE = 7
"""Of a plane, so many rows and columns are looked at."""


def tighten(graph: Graph, ranges: Mapping[str, Range], feeds: Feeds) -> dict[str, Range]:
    """The ranges over `feeds`, narrower where what a convolution reads is bounded better."""
    found = dict(ranges)
    for node in graph.nodes:
        traced = _trace(graph, node.input[0]) if node.op_type == "Conv" else None
        if traced is None or ranges[traced[0]].low.ndim != 4:
            continue
        linear = read_linear(node, graph.constants)
        read = ranges[node.input[0]]
        low, high = _narrow(linear, read, _peek(graph.model, node, read, feeds))
        name, order = traced
        back = np.argsort(order)
        found[node.input[0]] = replace(read, low=low, high=high)
        found[name] = replace(ranges[name], low=low.transpose(back), high=high.transpose(back))
    return found


def _trace(graph: Graph, name: str) -> tuple[str, tuple[int, ...]] | None:
    """The Relu that a tensor comes from by nothing but Transposes, and the order of its axes; or None."""
    order = (0, 1, 2, 3)
    while len(graph.readers.get(name, [])) == 1 and (node := graph.producers.get(name)) is not None:
        if node.op_type in ("LeakyRelu", "Relu"):
            return name, order
        if node.op_type != "Transpose":
            return None
        turned = read_attributes(node).get("perm")
        if turned is None:  # it reverses the axes; who moves numbers refuses it
            return None
        name, order = node.input[0], tuple(turned[axis] for axis in order)
    return None


def _peek(model: onnx.ModelProto, node: onnx.NodeProto, read: Range, feeds: Feeds) -> Array:
    """What goes into a convolution, a part of each plane: (channels, numbers)."""
    steps = [max(1, side // _SIDE) for side in read.low.shape[2:]]
    parts = [each[:, :, :: steps[0], :: steps[1]] for each in run_to(model, node.input[0], feeds)]
    seen = np.concatenate(parts).transpose(1, 0, 2, 3)
    return seen.reshape(len(seen), -1)


def _narrow(linear: Linear, read: Range, seen: Array) -> tuple[Array, Array]:
    """The least and the greatest that a convolution may read, for the least noise."""
    best, least = (read.low, read.high), weigh_bits(linear, read, LIMIT, BOUNDED)[1]
    for share, reach in zip(_CUT_SHARES, _find_reaches(seen), strict=True):
        lined = reach.reshape(1, -1, 1, 1)
        low, high = np.maximum(read.low, -BELOW * lined), np.minimum(read.high, lined)
        noise = weigh_bits(linear, replace(read, low=low, high=high), LIMIT, BOUNDED)[1] + share
        if noise < least:
            best, least = (low, high), noise
    return best


def _find_reaches(seen: Array) -> Array:
    """For each share the bound of each channel beyond which so much lies: (shares, channels)."""
    count = max(2, int(seen.shape[1] * _PEAK_SHARE))
    lengths = np.where(seen > 0, seen, seen / -BELOW).astype(np.float64)
    places = np.argpartition(-lengths, count - 1, axis=1)[:, :count]
    peaks = np.take_along_axis(lengths, places, 1)
    order = np.argsort(-peaks, 1)
    peaks, signs = np.take_along_axis(peaks, order, 1), np.take_along_axis(seen, places, 1)
    weights = np.where(np.take_along_axis(signs, order, 1) > 0, 1.0, BELOW**2)
    sums = [np.cumsum(weights * peaks**power, 1) for power in (0, 1, 2)]
    beyond = (sums[2] - 2 * peaks * sums[1] + peaks**2 * sums[0]) / seen.shape[1]
    square = np.mean(seen.astype(np.float64) ** 2, 1)
    found = []
    for share in _CUT_SHARES:
        at = (beyond <= square[:, None] * share).sum(1) - 1
        reach = peaks[np.arange(len(peaks)), np.maximum(at, 0)]
        found.append(np.where(at > 0, np.maximum(reach, 1e-9), np.inf))
    return np.stack(found)
