"""The end of a float graph: from what is rounded last to the levels, and the unit that keeps them apart."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx

from foundation.grid.calibration import Range
from foundation.grid.demands import NotPlaceable
from foundation.grid.movement import MOVERS, Array
from foundation.grid.reading import Graph
from foundation.grid.tail import Tail, find_tail, follow_tail

_CURVES = ("Tanh", "Sigmoid")
_LEVELS_A_STEP = 0.5
"""At most, where the curve is steepest."""
_MANTISSAS = range(128, 512)
MAX_STEPS = 4096
MIN_MARGIN_LEVELS = 2e-4
_ERROR_BEFORE = 2.0**-22
"""Of a number that HALF was added to and the unit was multiplied with, more than the proof allows for."""
HALF = 0.5
"""The last grid lies between the whole numbers: the middle of tanh is the middle between two levels."""


@dataclass(frozen=True)
class End:
    """Where a graph's end begins."""

    name: str
    unit: float
    low: float
    high: float
    """Beyond which the level is the last one, whatever comes."""
    behind: frozenset[str]
    """What is computed from it."""
    margin_levels: float
    """How far its nearest point is from a boundary between two levels, beyond what tanh may be wrong by."""


def find_end(graph: Graph, ranges: Mapping[str, Range], least: float | None = None) -> End:
    """Find what is to be rounded last, and the unit whose points are farthest from the levels' boundaries.

    The unit is the best of those from `least` to 4 % more, or of a whole octave.

    Raises:
        NotPlaceable: the graph does not end in levels of each number by itself.
    """
    chain = _order(graph)
    if not chain:
        raise NotPlaceable("The graph does not end in a rounding to levels.")
    curves = [index for index, node in enumerate(chain) if node.op_type in _CURVES]
    plain = [index for index, node in enumerate(chain) if node.op_type not in MOVERS]
    start = (curves or plain)[0]
    while start and chain[start - 1].op_type in MOVERS and not _turns_layer(graph, chain[start - 1]):
        start -= 1  # it is rounded there
    name = graph.moving(chain[start])[0]
    nodes = chain[start:]
    behind = frozenset(output for node in nodes for output in node.output)
    low, high = float(ranges[name].low.min()), float(ranges[name].high.max())
    if not low < high:
        raise NotPlaceable("The graph draws one level, whatever it is given.")
    grid = np.linspace(low, high, 10_001)
    tail = Tail(grid, np.zeros_like(grid))
    for node in nodes:
        if node.op_type in ("Round", "Floor"):
            break
        tail = follow_tail(node, tail, graph.constants)
    points = tail.points[: len(grid)]  # and not what is put beside them
    low, high = _find_ends(grid, points)
    slope = float(np.abs(np.gradient(points, grid)).max())
    coarsest = max(_LEVELS_A_STEP / max(slope, 1e-9), (high - low) / MAX_STEPS)
    base = 2.0 ** np.floor(np.log2(coarsest)) / 256
    units = [mantissa * base for mantissa in _MANTISSAS if coarsest / 2 < mantissa * base <= coarsest]
    if least is not None:
        step = 2.0 ** np.floor(np.log2(least)) / 1024  # short, so that the product with it does not round
        first = int(np.ceil(least / step))
        units = [whole * step for whole in range(first, int(first * 1.04) + 1)]
    margin, unit = max((_margin(graph, nodes, unit, low, high), unit) for unit in units)
    if margin <= 0:
        raise NotPlaceable("No grid was found whose points are far enough from the boundaries of all levels.")
    return End(name, unit, low, high, behind, margin)


def fill_end(graph: Graph, ranges: Mapping[str, Range], end: End, shares: Array) -> End:
    """The end with a unit up to half as large, such that the last sums come just below 2²⁴.

    `shares` (channels,) of it, in [0, 1], are what the sums reach with the unit of `end`. Where its points
    would come too near to a level's boundary, the end stays as it is.
    """
    lost = -np.log2(np.clip(shares, 0.5, 1.0))
    cost = [float(np.mean(4.0 ** ((lost - shift) % 1))) for shift in (*lost, 0.0)]
    shift = (*lost, 0.0)[int(np.argmin(cost))]
    try:
        filled = find_end(graph, ranges, float(end.unit * 2.0**-shift))
    except NotPlaceable:
        return end
    return filled if filled.margin_levels >= MIN_MARGIN_LEVELS and filled.unit < end.unit else end


def _find_ends(grid: Array, levels: Array) -> tuple[float, float]:
    """The part of `grid` beyond which the level does not change any more, with one point on each side."""
    near = np.clip(np.rint(np.stack([levels - 0.25, levels + 0.25])), 0, 255)
    moving = np.flatnonzero((near != near[:, :1]).any(0) & (near != near[:, -1:]).any(0))
    if not len(moving):
        return float(grid[0]), float(grid[-1])
    first, last = max(moving[0] - 1, 0), min(moving[-1] + 1, len(grid) - 1)
    return float(grid[first]), float(grid[last])


def _turns_layer(graph: Graph, node: onnx.NodeProto) -> bool:
    """Whether it is a Transpose of a convolution's planes, behind which Placement rounds them."""
    producer = graph.producers.get(node.input[0])
    return node.op_type == "Transpose" and producer is not None and producer.op_type == "Conv"


def _order(graph: Graph) -> list[onnx.NodeProto]:
    names = find_tail(graph)
    return [node for node in graph.nodes if len(graph.moving(node)) == 1 and graph.moving(node)[0] in names]


def _margin(graph: Graph, nodes: list[onnx.NodeProto], unit: float, low: float, high: float) -> float:
    points = np.arange(np.floor(low / unit) - 1, np.ceil(high / unit) + 1)
    points = (points + HALF) * unit
    tail = Tail(points, np.abs(points) * _ERROR_BEFORE)
    for node in nodes:
        if node.op_type in ("Round", "Floor"):
            edges = (
                0.5 - np.abs(tail.points - np.rint(tail.points))
                if node.op_type == "Round"
                else np.abs(tail.points - np.rint(tail.points))
            )
            return float((edges - tail.errors)[: len(points)].min())
        tail = follow_tail(node, tail, graph.constants)
    return -1.0
