"""Leaky slopes on a grid: one fifth as it is, where what comes may change its sign; else so many 256ths.

A slope of 1/5 has no place on a grid of powers of two. Five times the other side has: with z turned round,
LeakyRelu of slope 5 gives -5 times what slope 1/5 gives of z. The units before and behind absorb sign and
factor, the slope is right to the last digit, and its products take two bits instead of eight.
"""

import onnx

from foundation.grid.linear import LINEAR
from foundation.grid.movement import MOVERS, read_attributes
from foundation.grid.reading import Graph

SLOPE_STEPS = 256
"""A slope that is not turned round is a multiple of one part in so many."""
MAX_TURNED = 16
"""The steepest slope of what is turned round."""


def turned_slope(node: onnx.NodeProto) -> int | None:
    """The whole number that the slope of a LeakyRelu is one part of; None where there is none."""
    slope = _read(node)
    turned = round(1 / slope) if slope > 0 else 0
    return turned if 2 <= turned <= MAX_TURNED and abs(turned * slope - 1) < 1e-6 else None


def count_slope_steps(node: onnx.NodeProto) -> int:
    """The slope in parts of SLOPE_STEPS."""
    return round(_read(node) * SLOPE_STEPS)


def find_turned(graph: Graph, name: str) -> bool:
    """Whether a tensor, perhaps moved about, is best turned round: behind a slope of one part of few.

    All that it is computed from, back to the layers, must be read by nothing else, so that it may turn too.
    """
    node = graph.producers.get(name)
    while node is not None and node.op_type in MOVERS:
        if len(graph.moving(node)) != 1 or len(node.output) != 1:
            return False
        node = graph.producers.get(graph.moving(node)[0])
    if node is None or node.op_type != "LeakyRelu" or turned_slope(node) is None:
        return False
    before = graph.producers.get(node.input[0])
    while before is not None and before.op_type in MOVERS and len(graph.moving(before)) == 1:
        before = graph.producers.get(graph.moving(before)[0])
    # What comes straight from a layer is rounded before the slope, whose products would be too coarse then.
    return before is not None and before.op_type in ("Add", "Sub") and can_turn(graph, node.input[0])


def can_turn(graph: Graph, name: str) -> bool:
    """Whether what a tensor is computed from, back to the layers, may change its sign."""
    node = graph.producers.get(name)
    if node is None or len(graph.readers.get(name, [])) != 1:
        return False
    if node.op_type in LINEAR:
        return True
    if node.op_type not in {"Add", "Sub", "Mul"} | MOVERS:
        return False
    moving = graph.moving(node)
    # Of a product one side is enough.
    turning = [can_turn(graph, each) for each in moving]
    return any(turning) if node.op_type == "Mul" else len(moving) > 0 and all(turning)


def _read(node: onnx.NodeProto) -> float:
    return float(read_attributes(node).get("alpha", 0.01))
