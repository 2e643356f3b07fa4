"""The end of a graph, from so few points that each can be tried: tanh, and the rounding to levels.

No machine's tanh is that of another to the last bit. It does not matter where every point's level lies
farther from the next level than any sane tanh can be wrong.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from foundation.grid.movement import MOVERS, Array, read_attributes
from foundation.grid.reading import Graph

MAX_POINTS = 65_536
MAX_NUMBER = 2.0**126
"""Of float32's 2¹²⁸, so that nothing becomes infinite, nor what no number is."""
SANE = 2.0**-19
"""What a tanh or sigmoid in float32 may be wrong by; good ones are within 2⁻²²."""
SANE_QUOTIENT = 2.0**-20
"""What a division may be wrong by, as a share of what it gives; one by way of a reciprocal is within 2⁻²²."""
_HALF_STEP = 2.0**-24
_CURVES: Mapping[str, Callable[[Array], Array]] = {
    "Tanh": np.tanh,
    "Sigmoid": lambda values: 1 / (1 + np.exp(-values)),
}
_UNARY = frozenset(
    {"Add", "Sub", "Mul", "Div", "Round", "Floor", "Clip", "Max", "Min", "Cast", *_CURVES, *MOVERS}
)


@dataclass(frozen=True)
class Tail:
    """What a tensor's numbers may be, one by one."""

    points: NDArray[np.float64]
    """What they are in exact arithmetic."""
    errors: NDArray[np.float64]
    """How far from that a machine may be."""


def find_tail(graph: Graph, *, curves: bool = False) -> set[str]:
    """The tensors between which and the output, or a curve before it, each number goes its own way."""
    found: set[str] = set()
    waiting = [output.name for output in graph.model.graph.output]
    if curves:
        waiting += [node.output[0] for node in graph.nodes if node.op_type in _CURVES]
    while waiting:
        name = waiting.pop()
        node = graph.producers.get(name)
        if node is None or not goes_alone(graph, node):
            continue
        found.add(graph.moving(node)[0])
        waiting += graph.moving(node)
    return found


def goes_alone(graph: Graph, node: onnx.NodeProto) -> bool:
    """Whether a node does the same to each number of one tensor by itself, or only moves it about."""
    if node.op_type not in _UNARY or len(graph.moving(node)) != 1:
        return False
    constants = [graph.constants[name] for name in node.input if name in graph.constants]
    return node.op_type in MOVERS or all(each.size == 1 for each in constants)


def list_points(low: Array, high: Array, bits: Array) -> Tail | None:
    """The points of the grid that all numbers of a tensor (1, …) share; None if they are too many."""
    least, most, fraction = float(low.min()), float(high.max()), int(bits.max())
    if not np.isfinite([least, most]).all() or (most - least) * 2.0**fraction >= MAX_POINTS:
        return None
    points = np.arange(np.floor(least * 2.0**fraction), np.ceil(most * 2.0**fraction) + 1) / 2.0**fraction
    return Tail(points, np.zeros_like(points))


def follow_tail(node: onnx.NodeProto, tail: Tail, constants: Mapping[str, Array]) -> Tail:
    """Behind `node`.

    Raises:
        ValueError: a point lies so near a boundary that machines may differ.
    """
    kind, points, errors = node.op_type, tail.points, tail.errors
    if not np.all(np.abs(points) < MAX_NUMBER):
        raise ValueError("a constant is no finite number, or makes numbers that float32 may not hold")
    if kind in MOVERS:
        return put_beside(node, tail, constants)
    if kind in _CURVES:
        return Tail(_CURVES[kind](points), errors + SANE)
    if kind in ("Round", "Floor"):
        return _round(kind, tail)
    if kind in ("Clip", "Max", "Min"):
        low, high = _read_bounds(node, constants)
        return replace(tail, points=np.clip(points, low, high))
    if kind == "Cast":
        return _cast(node, tail)
    return _shift(node, tail, constants)


def put_beside(node: onnx.NodeProto, tail: Tail, constants: Mapping[str, Array]) -> Tail:
    """The constants, too, that a Concat or a Pad puts beside what a tensor's numbers may be.

    Raises:
        ValueError: they are too many.
    """
    if node.op_type not in ("Concat", "Pad"):
        return tail
    fixed = [constants[name].ravel() for name in node.input if name in constants]
    beside = np.unique(np.concatenate(fixed or [np.zeros(0)])) if node.op_type == "Concat" else np.zeros(1)
    if len(beside) > MAX_POINTS:
        raise ValueError(f"more than {MAX_POINTS:,} constants lie beside what comes in")
    return Tail(
        np.concatenate([tail.points, beside.astype(np.float64)]),
        np.concatenate([tail.errors, np.zeros(len(beside))]),
    )


def _read_bounds(node: onnx.NodeProto, constants: Mapping[str, Array]) -> tuple[float, float]:
    if node.op_type == "Clip":
        ends = [constants[name].item() if name else None for name in node.input[1:]]
        low, high = [*ends, None, None][:2]
        return -np.inf if low is None else low, np.inf if high is None else high
    if len(node.input) != 2:
        raise ValueError("it compares more than two tensors")
    end = next(constants[name].item() for name in node.input if name in constants)
    return (end, np.inf) if node.op_type == "Max" else (-np.inf, end)


def _shift(node: onnx.NodeProto, tail: Tail, constants: Mapping[str, Array]) -> Tail:
    name = next(name for name in node.input if name in constants)
    number, first = float(constants[name].item()), node.input[0] in constants
    kind, points, errors = node.op_type, tail.points, tail.errors
    if first and kind in ("Sub", "Div"):
        raise ValueError("a constant is diminished or divided by what comes before")
    if kind in ("Mul", "Div"):
        if kind == "Div" and abs(number) < 1 / MAX_NUMBER:
            raise ValueError("it divides by what may be zero")
        factor = number if kind == "Mul" else 1 / number
        points, errors = points * factor, errors * abs(factor)
        if kind == "Div":
            errors = errors + np.abs(points) * SANE_QUOTIENT
    else:
        points = points + (number if kind == "Add" else -number)
    found = errors + np.abs(points) * _HALF_STEP * 1.5 + 1e-30
    if kind != "Div":  # by way of a reciprocal even a whole quotient may be wrong
        with np.errstate(over="ignore"):
            found = np.where((errors == 0) & (points.astype(np.float32) == points), 0.0, found)
    return Tail(points, found)


def _round(kind: str, tail: Tail) -> Tail:
    points, errors = tail.points, tail.errors
    whole = np.floor(points) if kind == "Floor" else np.rint(points)
    edges = np.abs(points - np.rint(points)) if kind == "Floor" else 0.5 - np.abs(points - whole)
    near = (edges <= errors) & (errors > 0)  # halves that are no machine's guess become even on all
    if near.any():
        worst = int(np.argmin(np.where(near, edges, np.inf)))
        raise ValueError(
            f"a value that may come in is rounded from {points[worst]:.7g}, {edges[worst]:.2g} from the next "
            f"level, and machines may be {errors[worst]:.2g} apart there"
        )
    return Tail(whole, np.zeros_like(errors))


def _cast(node: onnx.NodeProto, tail: Tail) -> Tail:
    to = read_attributes(node)["to"]
    if to == TensorProto.FLOAT:
        return tail
    points = tail.points
    if to != TensorProto.UINT8 or np.any(tail.errors) or points.min() < 0 or points.max() > 255:
        raise ValueError("what becomes uint8 is not rounded to 0 to 255 before")
    return tail
